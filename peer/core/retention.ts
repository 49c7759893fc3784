// Which installed versions may be removed. Decides by signed sequence, never by file times, and never names a
// version that is live, could be gone back to, or is in use.

/** Versions kept besides the pinned ones: enough to go back a few releases without fetching. */
export const VERSIONS_KEPT = 5;

export interface InstalledVersion {
  readonly directory: string;
  /** From the signed manifest: grows with every release of the app. */
  readonly sequence: number;
  /** Counts the installs of this app on this node. */
  readonly serial: number;
}

/**
 * Directories to remove: neither pinned, nor among the newest {@link VERSIONS_KEPT}, nor the one installed last, which
 * may be an old release that the fleet is about to go back to.
 */
export function versionsToRemove(
  installed: readonly InstalledVersion[],
  pinned: ReadonlySet<string>,
): readonly string[] {
  const lastSerial = Math.max(...installed.map((version) => version.serial));
  return installed
    .toSorted((a, b) => b.sequence - a.sequence || (a.directory < b.directory ? 1 : -1))
    .slice(VERSIONS_KEPT)
    .filter((version) => !pinned.has(version.directory) && version.serial !== lastSerial)
    .map((version) => version.directory);
}
