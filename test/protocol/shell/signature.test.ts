// Who signed what, and whom that convinces: every combination of signer, trust and damage that a node can meet.
import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PublicKey, publicKeySchema } from "../../../protocol/ids.ts";
import {
  encodeManifest,
  MANIFEST_SIGNATURE_CONTEXT,
  type SignedManifest,
  signedManifestSchema,
} from "../../../protocol/manifest.ts";
import {
  createSigningKey,
  nodeIdOf,
  openManifest,
  openTrustedManifest,
  signHello,
  signingKeyFromPem,
  signingKeyToPem,
  signManifest,
  verifyHello,
} from "../../../protocol/shell/signature.ts";
import { exampleManifest } from "../support/examples.ts";

const alice = createSigningKey();
const bob = createSigningKey();
const byAlice = signManifest(exampleManifest, alice);
const byBob = signManifest(exampleManifest, bob);
const byBoth: SignedManifest = { ...byAlice, signatures: [...byAlice.signatures, ...byBob.signatures] };
const higher = { ...exampleManifest, sequence: 8 };

function signatureOf(signed: SignedManifest): string {
  return signed.signatures[0]?.signature ?? "";
}

function withSignature(publicKey: PublicKey, signature: string): SignedManifest {
  return { manifest: byAlice.manifest, signatures: [{ publicKey, signature }] };
}

describe("a signed manifest", () => {
  test.each<[string, SignedManifest, readonly PublicKey[]]>([
    ["signed by the one who is trusted", byAlice, [alice.publicKey]],
    ["signed by one of those who are trusted", byBob, [alice.publicKey, bob.publicKey]],
    ["signed by two, of whom the first is trusted", byBoth, [alice.publicKey]],
    ["signed by two, of whom the second is trusted", byBoth, [bob.publicKey]],
  ])("is opened when it is %s", (_, signed, trusted) => {
    expect(openTrustedManifest(signed, trusted)).toEqual(exampleManifest);
  });

  test.each<[string, SignedManifest, readonly PublicKey[], string]>([
    ["signed by a stranger", byBob, [alice.publicKey], "manifest-untrusted"],
    ["opened by someone who trusts nobody", byAlice, [], "manifest-untrusted"],
    ["not signed at all", { ...byAlice, signatures: [] }, [alice.publicKey], "manifest-untrusted"],
    ["changed", { ...byAlice, manifest: encodeManifest(higher) }, [alice.publicKey], "manifest-altered"],
    ["re-spaced", { ...byAlice, manifest: `${byAlice.manifest} ` }, [alice.publicKey], "manifest-altered"],
    [
      "signed in another's name",
      withSignature(alice.publicKey, signatureOf(byBob)),
      [alice.publicKey],
      "manifest-altered",
    ],
    [
      "signed well by a trusted key and badly by another",
      {
        ...byBoth,
        signatures: [...byAlice.signatures, { publicKey: bob.publicKey, signature: "A".repeat(86) }],
      },
      [alice.publicKey],
      "manifest-altered",
    ],
    ["signed with nothing", withSignature(alice.publicKey, ""), [alice.publicKey], "manifest-altered"],
    [
      "signed with noise",
      withSignature(alice.publicKey, "A".repeat(86)),
      [alice.publicKey],
      "manifest-altered",
    ],
    [
      "signed by a key that is no point of the curve",
      withSignature(publicKeySchema.decode("_".repeat(43), "key"), signatureOf(byAlice)),
      [alice.publicKey],
      "manifest-altered",
    ],
  ])("is refused when it is %s", (_, signed, trusted, code) => {
    expect(() => openTrustedManifest(signed, trusted)).toThrow(
      expect.objectContaining({ code, exitCode: 5 }),
    );
  });

  test("is refused as invalid when a trusted publisher signed what is no manifest", () => {
    const signed = signText(`{"app":"shop"}`);
    expect(() => openTrustedManifest(signed, [alice.publicKey])).toThrow(
      expect.objectContaining({ code: "manifest-invalid", message: expect.stringContaining("manifest.") }),
    );
  });

  test("is refused as invalid when a trusted publisher signed another text for the same manifest", () => {
    const signed = signText(JSON.stringify(exampleManifest));
    expect(() => openTrustedManifest(signed, [alice.publicKey])).toThrow(
      expect.objectContaining({ code: "manifest-invalid", message: expect.stringContaining("canonical") }),
    );
  });

  test("names who signed and whom the node trusts when those differ", () => {
    const name = (key: PublicKey): RegExp => new RegExp(key);
    for (const part of [/release shop v1\.2\.3/, name(bob.publicKey), name(alice.publicKey)])
      expect(() => openTrustedManifest(byBob, [alice.publicKey])).toThrow(part);
    expect(() => openTrustedManifest(byBob, [])).toThrow("trusts no publisher key");
  });

  test("can be opened without trust, to look at it", () => {
    expect(openManifest(byBob)).toEqual(exampleManifest);
  });

  test("is what the schema of signed manifests describes", () => {
    expect(signedManifestSchema.decode(byBoth, "signed")).toEqual(byBoth);
  });

  test("does not survive the change of any one bit of its text or signature", () => {
    const { manifest, signatures } = byAlice;
    fc.assert(
      fc.property(fc.nat(manifest.length - 1), fc.integer({ min: 1, max: 127 }), (place, change) => {
        const letter = String.fromCharCode(manifest.charCodeAt(place) ^ change);
        const changed = manifest.slice(0, place) + letter + manifest.slice(place + 1);
        expect(() => openManifest({ manifest: changed, signatures })).toThrow(
          expect.objectContaining({ code: "manifest-altered" }),
        );
      }),
    );
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const bytes = Buffer.from(signatureOf(byAlice), "base64url");
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const signed = withSignature(alice.publicKey, bytes.toString("base64url"));
        expect(() => openManifest(signed)).toThrow(expect.objectContaining({ code: "manifest-altered" }));
      }),
    );
  });
});

describe("a hello", () => {
  const nonce = new Uint8Array(32).fill(7);
  const signature = signHello(alice, nonce);

  test("holds for the key and the nonce it was made with", () => {
    expect(verifyHello(alice.publicKey, nonce, signature)).toBe(true);
  });

  test.each<[string, PublicKey, Uint8Array, Uint8Array]>([
    ["another key", bob.publicKey, nonce, signature],
    ["another nonce", alice.publicKey, new Uint8Array(32), signature],
    ["a shorter nonce", alice.publicKey, nonce.subarray(1), signature],
    ["another signature", alice.publicKey, nonce, new Uint8Array(64)],
    ["a signature that is too short", alice.publicKey, nonce, signature.subarray(1)],
    ["no signature", alice.publicKey, nonce, new Uint8Array(0)],
    ["a key that is no point of the curve", publicKeySchema.decode("_".repeat(43), "key"), nonce, signature],
  ])("does not hold for %s", (_, publicKey, challenged, given) => {
    expect(verifyHello(publicKey, challenged, given)).toBe(false);
  });

  test("is signed together with what it is, so that it can pass for nothing else", () => {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: alice.publicKey }, format: "jwk" });
    const payload = Buffer.concat([Buffer.from("fleet-hello-v1\n"), nonce]);
    expect(verify(null, payload, key, signature)).toBe(true);
  });

  test("is no signature of a manifest, even when the nonce is a manifest's text", () => {
    const stolen = Buffer.from(signHello(alice, Buffer.from(byAlice.manifest))).toString("base64url");
    expect(() => openManifest(withSignature(alice.publicKey, stolen))).toThrow(
      expect.objectContaining({ code: "manifest-altered" }),
    );
  });
});

describe("a signing key", () => {
  test("is the same after it was written and read", () => {
    const read = signingKeyFromPem(signingKeyToPem(alice));
    expect(read.publicKey).toBe(alice.publicKey);
    expect(signManifest(exampleManifest, read)).toEqual(byAlice);
  });

  test("of another kind is refused", () => {
    const { privateKey } = generateKeyPairSync("x25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(() => signingKeyFromPem(pem)).toThrow("not an Ed25519 private key");
  });

  test.each(["", "no key", signingKeyToPem(alice).slice(0, 60)])("is not read from %j", (pem) => {
    expect(() => signingKeyFromPem(pem)).toThrow();
  });

  test("gives a node its id: the start of the SHA-256 over the raw key", () => {
    const zeroKey = publicKeySchema.decode("A".repeat(43), "key");
    expect(nodeIdOf(zeroKey)).toBe("66687aadf862bd776c8fc18b8e9f8e20");
    expect(nodeIdOf(alice.publicKey)).not.toBe(nodeIdOf(bob.publicKey));
  });
});

/** What only a publisher could do: a good signature over any text. */
function signText(text: string): SignedManifest {
  const payload = Buffer.from(MANIFEST_SIGNATURE_CONTEXT + text);
  const signature = sign(null, payload, alice.privateKey).toString("base64url");
  return { manifest: text, signatures: [{ publicKey: alice.publicKey, signature }] };
}
