// Archives that must be refused, by everyone who reads one, and what the refusal must say.
// Owns the table; how a refusal shows is for each test to check.
import type { ErrorCode } from "../../protocol/errors.ts";
import { dir, file, gnuLong, hardlink, pax, type RawEntry, rawTar, symlink } from "./tar.ts";

export interface HostileArchive {
  readonly name: string;
  readonly tar: Buffer;
  readonly code: ErrorCode;
  readonly message: RegExp;
}

const deepPath = "d/".repeat(10_000);
const sparse = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" };

export const HOSTILE_ARCHIVES: readonly HostileArchive[] = [
  unsafe("a path that climbs out", /"\.\.\/x" contains "\.\."/, file("../x")),
  unsafe("a path that climbs and comes back", /contains "\.\."/, dir("a"), file("a/../b")),
  unsafe("a path that ends in dots", /contains "\.\."/, dir("a/..")),
  unsafe("an absolute path", /"\/abs" is absolute/, file("/abs")),
  unsafe("an absolute path behind a prefix", /is absolute/, { ...file("passwd"), prefix: "/etc" }),
  unsafe("an absolute path in a pax header", /"\/abs" is absolute/, pax({ path: "/abs" }), file("fine")),
  unsafe("a climbing path in a GNU long name", /contains "\.\."/, gnuLong("L", "a/../../x"), file("fine")),
  unsafe("a network path", /is absolute/, file("//host/share")),
  unsafe("a drive letter", /drive letter/, file("C:evil")),
  unsafe("a drive letter behind a dot", /drive letter/, file("./C:evil")),
  unsafe("a backslash that climbs", /backslash/, file("..\\x")),
  unsafe("a drive with a climbing backslash", /backslash/, file("C:..\\x")),
  unsafe("a NUL in a pax path", /contains a NUL/, pax({ path: "a\0b" }), file("fine")),
  unsafe("a name that is not UTF-8", /not UTF-8/, { ...file("x"), name: Buffer.from([0x66, 0xff, 0x66]) }),
  unsafe("an empty name", /is empty/, file("", "content")),
  unsafe("a file in place of the root", /in place of the root/, file("./.")),
  unsafe("a file whose name ends in a slash", /ends in a slash/, file("a/")),
  unsafe("a symlink whose name ends in a slash", /ends in a slash/, dir("b"), symlink("a/", "b")),

  unsafe("a character device", /"dev" is a character device/, { name: "dev", type: "3" }),
  unsafe("a block device", /"dev" is a block device/, { name: "dev", type: "4" }),
  unsafe("a fifo", /"pipe" is a fifo/, { name: "pipe", type: "6" }),
  unsafe("a GNU sparse file", /is a sparse file/, { ...file("holes"), type: "S" }),
  unsafe("a pax sparse file", /is a sparse file/, pax(sparse), file("holes")),
  unsafe("a type of the future", /is an entry of an unknown type/, { ...file("x"), type: "Z" }),
  unsafe("a continued volume", /is an entry of an unknown type/, { ...file("x"), type: "M" }),
  unsafe("a directory with content", /directory with 3 bytes/, { ...dir("d"), content: "abc" }),
  unsafe("a symlink with content", /symlink with 3 bytes/, { ...symlink("l", "x"), content: "abc" }),
  unsafe("a hardlink with content", /hardlink with 1 bytes/, file("f"), {
    ...hardlink("l", "f"),
    content: "x",
  }),
  unsafe("a global pax header that renames", /all entries/, pax({ path: "evil" }, "g"), file("fine")),
  unsafe("a global pax header that resizes", /all entries/, pax({ size: "0" }, "g"), file("fine")),

  unsafe("a symlink out", /"\.\.\/out" of symlink "l" lies outside/, symlink("l", "../out")),
  unsafe("a symlink out from below", /lies outside/, dir("a"), symlink("a/l", "../../out")),
  unsafe("an absolute symlink", /is absolute/, symlink("l", "/etc/passwd")),
  unsafe("a symlink with no target", /is empty/, symlink("l", "")),
  unsafe("a symlink to a drive", /drive letter/, symlink("l", "C:x")),
  unsafe("a symlink with a backslash", /backslash/, symlink("l", "..\\out")),
  unsafe("a symlink with a NUL", /NUL/, pax({ linkpath: "a\0b" }), symlink("l", "x")),
  unsafe(
    "a symlink that climbs from behind another",
    /"\.\." after a name/,
    ...[dir("a/b"), symlink("a/b/up", "../.."), symlink("l", "a/b/up/../out")],
  ),
  unsafe("a symlink, then a file through it", /needs the directory "l"/, symlink("l", "."), file("l/x")),
  unsafe("a symlink, then a directory through it", /needs the/, dir("d"), symlink("l", "d"), dir("l/x")),
  unsafe("a symlink, then a directory over it", /needs the directory "l"/, symlink("l", "."), dir("l")),
  unsafe("a symlink, then a file over it", /there twice/, symlink("l", "x"), file("l")),
  unsafe("a file, then a symlink over it", /there twice/, file("l"), symlink("l", "x")),
  unsafe("a directory, then a symlink over it", /there twice/, dir("l"), symlink("l", "x")),
  unsafe("a symlink to a long linkpath", /lies outside/, gnuLong("K", "../".repeat(60)), symlink("l", "x")),

  unsafe("a hardlink out", /".." is|contains "\.\."/, hardlink("l", "../out")),
  unsafe("an absolute hardlink", /is absolute/, hardlink("l", "/etc/passwd")),
  unsafe("a hardlink to nothing", /no file earlier/, hardlink("l", "later"), file("later")),
  unsafe("a hardlink to itself", /no file earlier/, hardlink("l", "l")),
  unsafe("a hardlink to a directory", /no file earlier/, dir("d"), hardlink("l", "d")),
  unsafe("a hardlink to a symlink", /no file earlier/, file("f"), symlink("s", "f"), hardlink("l", "s")),
  unsafe(
    "a hardlink through a symlink",
    /no file earlier/,
    ...[file("d/f"), symlink("s", "d"), hardlink("l", "s/f")],
  ),
  unsafe("a hardlink with another case", /no file earlier/, file("File"), hardlink("l", "file")),

  unsafe("the same file twice", /there twice/, file("a"), file("a")),
  unsafe("the same file under two spellings", /there twice/, file("a/b"), file("./a//b")),
  unsafe("a file where a directory is", /there twice/, file("a/b"), file("a")),
  unsafe("a directory where a file is", /needs the directory "a"/, file("a"), file("a/b")),
  unsafe("two files that differ in case", /letter case/, file("README"), file("readme")),
  unsafe("two directories that differ in case", /letter case/, file("Lib/a"), file("lib/b")),
  unsafe("two files that differ in Unicode form", /Unicode form/, file("caf\u00e9"), file("cafe\u0301")),
  unsafe("a sharp s and its spelling", /letter case/, file("straße"), file("STRASSE")),
  unsafe("a long s", /letter case/, file("\u017fs"), file("ss")),
  unsafe("a Kelvin sign", /letter case/, file("\u212a"), file("k")),

  tooLarge("a path of ten thousand levels", /longer than 3072 bytes/, pax({ path: deepPath }), dir("x")),
  tooLarge("a path of seventy levels", /more than 64 levels/, pax({ path: "d/".repeat(70) }), dir("x")),
  tooLarge("a name of 256 bytes", /part longer than 255 bytes/, pax({ path: "n".repeat(256) }), file("x")),
  tooLarge("a name of 255 characters but more bytes", /longer/, pax({ path: "ü".repeat(200) }), file("x")),
  tooLarge(
    "an endless symlink target",
    /longer than 3072/,
    gnuLong("K", "t/".repeat(5000)),
    symlink("l", ""),
  ),
  tooLarge("a pax header of two megabytes", /claims 2097152/, pax(Buffer.alloc(2 * 1024 * 1024)), file("x")),

  corrupt("a header with a wrong checksum", /block 2/, file("a"), { ...file("b"), checksum: 1 }),
  corrupt("a header with foreign magic", /block 2/, file("a"), { ...file("b"), magic: "rats" }),
  corrupt("a negative size", /block 2/, file("a"), { ...file("b"), size: Buffer.alloc(12, 0xff) }),
  corrupt("a size beyond all numbers", /block 2/, file("a"), { ...file("b"), size: huge() }),
  corrupt("a size that is no number", /block 2/, file("a"), { ...file("b"), size: Buffer.from("9 bytes\0") }),
  corrupt("a pax record without a length", /pax header/, pax(Buffer.from("path=x\n")), file("x")),
  corrupt("a pax record longer than its header", /pax header/, pax(Buffer.from("99 path=x\n")), file("x")),
  corrupt("a pax record without a value", /pax header/, pax(Buffer.from("8 path\n\n")), file("x")),
  corrupt("a pax record that does not end", /pax header/, pax(Buffer.from("9 path=xy")), file("x")),
  corrupt("a pax size that is no number", /pax header/, pax({ size: "-1" }), file("x")),
  corrupt("a pax size larger than the rest", /cut short/, pax({ size: "999999" }), file("x")),
  corrupt("a pax header without its entry", /without its entry/, file("a"), pax({ path: "b" })),
  corrupt("a second archive after the first", /after the archive's end/, rawTar(file("a")), file("b")),

  { name: "zeros only", tar: Buffer.alloc(10_240), code: "archive-not-tar", message: /no entries/ },
  {
    name: "text",
    tar: Buffer.from("no tar\n".repeat(999)),
    code: "archive-not-tar",
    message: /no tar header/,
  },
  { name: "a few bytes", tar: Buffer.from("tar"), code: "archive-not-tar", message: /too short/ },
  {
    name: "a first header with a wrong checksum",
    tar: rawTar({ ...file("a"), checksum: 1 }),
    code: "archive-not-tar",
    message: /no tar header/,
  },
];

type Entries = readonly (RawEntry | Buffer)[];

function unsafe(name: string, message: RegExp, ...entries: Entries): HostileArchive {
  return { name, tar: rawTar(...entries), code: "archive-unsafe", message };
}

function tooLarge(name: string, message: RegExp, ...entries: Entries): HostileArchive {
  return { name, tar: rawTar(...entries), code: "archive-too-large", message };
}

function corrupt(name: string, message: RegExp, ...entries: Entries): HostileArchive {
  return { name, tar: rawTar(...entries), code: "archive-corrupt", message };
}

/** 2^87 in the binary form of the size field. */
function huge(): Buffer {
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field[1] = 0x80;
  return field;
}
