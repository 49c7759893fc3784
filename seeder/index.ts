// What the other parts may use of the seeder.
export { pieceLengthFor } from "./core/piece-length.ts";
export { type ArtifactVerifier, createArtifactVerifier } from "./shell/artifact-verifier.ts";
export { type PreparedArtifact, type PrepareOptions, prepareArtifact } from "./shell/prepare-artifact.ts";
