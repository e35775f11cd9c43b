/** Control characters, half characters, breaks of lines, marks that turn the direction, what is not seen. */
const harmful =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]+/gu;

/** Letters that are read from right to left. */
const rightToLeft =
  /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

const FIRST_STRONG_ISOLATE = '\u2068';
const POP_DIRECTIONAL_ISOLATE = '\u2069';

/**
 * Makes a text that came from outside fit to stand among words of ours: it can neither pass for others
 * nor turn the direction of what stands beside it.
 *
 * @param text a name, a path, a reason, as it came
 * @returns the text; `�` for what is not seen or steers, isolated where it is read from right to left
 * @see Unicode Standard Annex #9, section 2.7
 */
export function outsideText(text: string): string {
  const shown = text.replaceAll(harmful, '\u{FFFD}');
  return rightToLeft.test(shown)
    ? `${FIRST_STRONG_ISOLATE}${shown}${POP_DIRECTIONAL_ISOLATE}`
    : shown;
}
