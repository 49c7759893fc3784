// Text that others wrote, made safe to stand in HTML and SVG, between tags or in a quoted attribute.

/** `<b>&"'` → `&lt;b&gt;&amp;&quot;&#39;`; characters that no document may hold become `\ufffd`. */
export function escapeText(text: string): string {
  return text
    .replace(NOT_ALLOWED, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** XML 1.0 cannot hold control characters; those that turn the direction of text hide what it says. */
const NOT_ALLOWED =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;
