// WebTorrent imports these names unconditionally; `undefined` makes it report WebRTC as unsupported.
export const RTCPeerConnection = undefined;
export const RTCSessionDescription = undefined;
export const RTCIceCandidate = undefined;
export default {};
