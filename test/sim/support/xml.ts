// Reads the SVGs that are drawn here, as strictly as a browser reads a file of its own: a fault throws.
// Knows what such files hold and no more: no DTDs, no processing instructions, no CDATA.

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  /** Its own text and that of all within. */
  text: string;
}

const TAG = /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[a-zA-Z][\w:-]*="[^"<]*")*)\s*(\/?)>/y;
const TEXT = /[^<&]+|&(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);/y;
const ATTRIBUTE = /([\w:-]+)="([^"]*)"/g;

/** The root element. */
export function parseXml(source: string): Element {
  const document: Element = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [document];
  let at = 0;
  while (at < source.length) {
    const text = matchAt(TEXT, source, at);
    if (text !== null) {
      for (const element of open) element.text += unescaped(text[0]);
      at += text[0].length;
      continue;
    }
    const tag = matchAt(TAG, source, at);
    if (tag === null) throw new Error(`no tag and no text: ${source.slice(at, at + 60)}`);
    take(tag, open);
    at += tag[0].length;
  }
  const [root, second] = document.children;
  if (open.length !== 1 || root === undefined || second !== undefined)
    throw new Error("not one whole element");
  return root;
}

/** The element and all within, in the order of the document. */
export function allElements(root: Element): readonly Element[] {
  return [root, ...root.children.flatMap(allElements)];
}

function take([, isEnd, name = "", attributes = "", isEmpty]: RegExpExecArray, open: Element[]): void {
  if (isEnd === "/") {
    const closed = open.pop();
    if (closed?.name !== name) throw new Error(`</${name}> closes <${closed?.name ?? ""}>`);
    return;
  }
  const element: Element = { name, attributes: attributesOf(attributes, name), children: [], text: "" };
  open.at(-1)?.children.push(element);
  if (isEmpty !== "/") open.push(element);
}

function attributesOf(source: string, element: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", value = ""] of source.matchAll(ATTRIBUTE)) {
    if (attributes.has(name)) throw new Error(`<${element}> has ${name} twice`);
    attributes.set(name, unescaped(value));
  }
  return attributes;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

function unescaped(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}
