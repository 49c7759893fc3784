// Text of others cannot become markup.
import { expect, test } from "vitest";
import { escapeText } from "../../../sim/shell/markup.ts";

test.each([
  [`<b a="1" c='2'>&amp;</b>`, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;"],
  ["plain, ü and 漢\tand\nlines", "plain, ü and 漢\tand\nlines"],
  ["\u0000\u0008\u001b[31m\u0085\u202e\u2066\uffff", "\ufffd\ufffd\ufffd[31m\ufffd\ufffd\ufffd\ufffd"],
])("%j", (source, escaped) => {
  expect(escapeText(source)).toBe(escaped);
});
