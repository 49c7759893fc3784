// The names an archive has used so far, as a tree that is cheap per name: archives have up to millions of them.
// Only remembers; what a clash of names means is for the archive rules to say.
import { collisionKey } from "./archive-path.ts";

export type NodeKind = "directory" | "file" | "symlink";

export interface Directory {
  readonly name: string;
  readonly kind: "directory";
  /** By collision key; made with the first name. */
  children: Map<string, Child> | null;
}

/** What is not a directory and is spelled like its key needs no object: most names are a string and a slot in a map. */
type Leaf = "file" | "symlink";
type Child = Directory | Leaf | { readonly name: string; readonly kind: Leaf };

/** What has a name, or one that differs from it only in letter case or Unicode form. */
export type Found = Directory | { readonly name: string; readonly kind: Leaf };

export function createDirectory(name: string): Directory {
  return { name, kind: "directory", children: null };
}

export function findChild(parent: Directory, name: string): Found | undefined {
  const key = collisionKey(name);
  const child = parent.children?.get(key);
  return child === "file" || child === "symlink" ? { name: key, kind: child } : child;
}

/** The name must be free. */
export function addLeaf(parent: Directory, name: string, kind: Leaf): void {
  const key = collisionKey(name);
  parent.children ??= new Map();
  parent.children.set(key, key === name ? kind : { name, kind });
}

/** The name must be free. */
export function addDirectory(parent: Directory, name: string): Directory {
  const key = collisionKey(name);
  const directory = createDirectory(name);
  parent.children ??= new Map();
  parent.children.set(key, directory);
  return directory;
}
