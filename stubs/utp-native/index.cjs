// An empty export makes WebTorrent set UTP_SUPPORT to false.
module.exports = {};
