/** Figures as people read them. */

/** @param {number} bits a second */
export function rate(bits) {
  if (bits >= 1e6) return `${(bits / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bits / 1e3)} kbit/s`;
}

/** The family of a codec string: "avc1.640028" is H.264. */
export function codec(text) {
  const families = [
    [/^avc[13]/, "H.264"],
    [/^h(vc|ev)1/, "H.265"],
    [/^av01/, "AV1"],
    [/^vp09/, "VP9"],
    [/^vp8/, "VP8"],
    [/^mp4a/, "AAC"],
    [/^opus/i, "Opus"],
  ];
  return families.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}
