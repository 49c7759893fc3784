// The reader of SVGs would notice one that no browser reads.
import { expect, test } from "vitest";
import { allElements, parseXml } from "./xml.ts";

test("elements, attributes and text are read", () => {
  const root = parseXml(`<svg a="1 &lt; 2"><g><text>x &amp; y</text></g><path d="M0 0"/></svg>\n`);
  expect(allElements(root).map(({ name }) => name)).toEqual(["svg", "g", "text", "path"]);
  expect(root.attributes.get("a")).toBe("1 < 2");
  expect(root.text).toBe("x & y");
});

test.each([
  ["an element that does not end", "<svg><g></svg>"],
  ["an element that ends twice", "<svg></svg></svg>"],
  ["two roots", "<svg></svg><svg></svg>"],
  ["a bare ampersand", "<svg>a & b</svg>"],
  ["a bare bracket", "<svg>a < b</svg>"],
  ["an unquoted attribute", "<svg a=1></svg>"],
  ["an attribute twice", `<svg a="1" a="2"></svg>`],
  ["a name that HTML alone knows", "<svg>&nbsp;</svg>"],
])("%s is refused", (_, source) => {
  expect(() => parseXml(source)).toThrow();
});
