// How a test says which failure it expects. Needed because a bare RegExp inside toMatchObject matches any text.
import { expect } from "vitest";
import type { ErrorCode } from "../../protocol/errors.ts";

/** For `toMatchObject`: a FleetError with this code and a message that fits. */
export function failure(
  code: ErrorCode,
  message: RegExp,
): { readonly code: ErrorCode; readonly message: string } {
  return { code, message: expect.stringMatching(message) as string };
}
