// Which installed versions may be removed. Decides by signed sequence, never by file times, and never names a
// version that is live, could be gone back to, or is in use.

/** Versions kept besides the pinned ones: enough to go back a few releases without fetching. */
export const VERSIONS_KEPT = 5;

export interface InstalledVersion {
  readonly directory: string;
  /** From the signed manifest: grows with every release of the app. */
  readonly sequence: number;
}

/** Directories to remove: neither pinned nor among the newest {@link VERSIONS_KEPT}. */
export function versionsToRemove(
  installed: readonly InstalledVersion[],
  pinned: ReadonlySet<string>,
): readonly string[] {
  return installed
    .toSorted((a, b) => b.sequence - a.sequence || (a.directory < b.directory ? 1 : -1))
    .slice(VERSIONS_KEPT)
    .map((version) => version.directory)
    .filter((directory) => !pinned.has(directory));
}
