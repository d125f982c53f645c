/**
 * The styles of terminal output: text with SGR sequences becomes pieces of text, each with a look.
 *
 * Nothing here makes markup, and no other sequence has any effect. The console is dark in both themes, so the
 * colours are here and not among the tokens: whatever a program picks is moved until it can be read.
 */

/** What a piece looks like: class names, and colours that no class has. @typedef {{classes: string, style: Record<string, string>}} Look */
/** @typedef {{text: string, look: Look|null}} Piece */

const GROUND = 0x0a0f10;
const TEXT = 0xd3dcd9;
const READABLE = 4.5;

const PALETTE = [
  0x39464a, 0xf0788c, 0x5fbf8f, 0xe0a84e, 0x7f9cf5, 0xc792ea, 0x3dbccd, 0xcdd6d3, 0x8b999b, 0xff9dac, 0x86d9ae,
  0xf5c877, 0xa5b8ff, 0xdcb3f5, 0x74dcea, 0xf5faf8,
];

/** Every escape sequence, finished or not; the first group has the parameters of SGR. */
const SEQUENCE = /\x1b(?:\[(?:([0-9;:]*)m|[0-?]*[ -/]*[@-~]?)|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)/g;

const DEFAULT = -1;
/** Colours beyond the 256 have this bit, and 24 bits of red, green and blue. */
const RGB = 1 << 24;

const PLAIN = Object.freeze({
  fg: DEFAULT,
  bg: DEFAULT,
  bold: 0,
  dim: 0,
  italic: 0,
  underline: 0,
  inverse: 0,
  hidden: 0,
  strike: 0,
});

/**
 * Take a line apart.
 * @param {string} text
 * @returns {Piece[]} neighbours differ in their look
 */
export function pieces(text) {
  if (!text.includes("\x1b")) return text === "" ? [] : [{ text, look: null }];
  const found = [];
  let state = PLAIN;
  let end = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    push(found, text.slice(end, match.index), state);
    end = match.index + match[0].length;
    if (match[1] !== undefined) state = applied(state, match[1]);
  }
  push(found, text.slice(end), state);
  return found;
}

/** A line without its styles. */
export function plain(text) {
  return text.includes("\x1b") ? text.replace(SEQUENCE, "") : text;
}

function push(found, text, state) {
  if (text === "") return;
  const look = lookOf(state);
  const last = found.at(-1);
  if (last && last.look === look) last.text += text;
  else found.push({ text, look });
}

// -- sequences ---------------------------------------------------------------------------------------------------

const SWITCHES = {
  1: { bold: 1 },
  2: { dim: 1 },
  3: { italic: 1 },
  4: { underline: 1 },
  7: { inverse: 1 },
  8: { hidden: 1 },
  9: { strike: 1 },
  22: { bold: 0, dim: 0 },
  23: { italic: 0 },
  24: { underline: 0 },
  27: { inverse: 0 },
  28: { hidden: 0 },
  29: { strike: 0 },
  39: { fg: DEFAULT },
  49: { bg: DEFAULT },
};

/** The state after a sequence; what is not known in it is passed over. */
function applied(state, parameters) {
  const codes = parameters.split(";");
  let next = { ...state };
  for (let i = 0; i < codes.length; i += 1) {
    const [code, ...parts] = codes[i].split(":").map(Number);
    if (code === 0) next = { ...PLAIN };
    else if (code === 38 || code === 48) {
      // The colour follows in the same parameter after colons, or in the next ones.
      const [colour, used] = parts.length > 0 ? [colonColour(parts), 0] : colourAfter(codes, i + 1);
      i += used;
      if (colour !== null) next[code === 38 ? "fg" : "bg"] = colour;
    } else if (code === 4 && parts[0] === 0) next.underline = 0;
    else if (SWITCHES[code]) Object.assign(next, SWITCHES[code]);
    else Object.assign(next, colourOf(code));
  }
  return next;
}

function colourOf(code) {
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 82 };
  if (code >= 100 && code <= 107) return { bg: code - 92 };
  return {};
}

/** A colour given as 5;n or 2;r;g;b, and how many parameters that took. */
function colourAfter(codes, at) {
  const kind = Number(codes[at]);
  if (kind === 5) return [indexed(Number(codes[at + 1])), 2];
  if (kind === 2) return [mixed(codes.slice(at + 1, at + 4).map(Number)), 4];
  return [null, 0];
}

/** A colour given as 5:n, 2:r:g:b or, with the number of a colour space, 2::r:g:b. */
function colonColour([kind, ...parts]) {
  if (kind === 5) return indexed(parts[0]);
  return kind === 2 ? mixed(parts.slice(parts.length > 3 ? 1 : 0).slice(0, 3)) : null;
}

const isByte = (n) => Number.isInteger(n) && n >= 0 && n <= 255;

function indexed(n) {
  return isByte(n) ? n : null;
}

function mixed(parts) {
  return parts.length === 3 && parts.every(isByte) ? RGB | (parts[0] << 16) | (parts[1] << 8) | parts[2] : null;
}

// -- looks -------------------------------------------------------------------------------------------------------

const looks = new Map();
/** Programs that fade through all colours there are must not fill the memory. */
const MOST_LOOKS = 2000;

function lookOf(state) {
  const key = Object.values(state).join();
  let look = looks.get(key);
  if (look === undefined) {
    if (looks.size >= MOST_LOOKS) looks.clear();
    looks.set(key, (look = makeLook(state)));
  }
  return look;
}

function makeLook(state) {
  let fg = rgbOf(state.fg);
  let bg = rgbOf(state.bg);
  if (state.inverse) [fg, bg] = [bg ?? GROUND, fg ?? TEXT];
  const ground = bg ?? GROUND;
  if (state.dim) fg = between(fg ?? TEXT, ground, 0.4);
  const style = {};
  if (fg !== null) style.color = hex(readable(fg, ground));
  else if (bg !== null) style.color = hex(readable(TEXT, bg));
  if (bg !== null) style["background-color"] = hex(bg);
  const classes = ["bold", "italic", "underline", "strike", "hidden"].filter((name) => state[name]);
  if (classes.length === 0 && fg === null && bg === null) return null;
  return { classes: classes.map((name) => `sgr-${name}`).join(" "), style };
}

/** Red, green and blue of a colour of the state; null for the default. */
function rgbOf(colour) {
  if (colour === DEFAULT) return null;
  if (colour & RGB) return colour & 0xffffff;
  if (colour < 16) return PALETTE[colour];
  if (colour >= 232) return (8 + 10 * (colour - 232)) * 0x010101;
  const step = (n) => (n % 6 === 0 ? 0 : 55 + 40 * (n % 6));
  const cube = colour - 16;
  return (step(Math.floor(cube / 36)) << 16) | (step(Math.floor(cube / 6)) << 8) | step(cube);
}

/** The colour itself or, if it cannot be read on its ground, the nearest on the way to white or black that can. */
function readable(colour, ground) {
  const end = contrast(0xffffff, ground) > contrast(0, ground) ? 0xffffff : 0;
  for (let part = 0; part < 1; part += 0.1) {
    const candidate = between(colour, end, part);
    if (contrast(candidate, ground) >= READABLE) return candidate;
  }
  return end;
}

function between(from, to, part) {
  const mix = (shift) => {
    const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
    return Math.round(a + (b - a) * part) << shift;
  };
  return mix(16) | mix(8) | mix(0);
}

/** As WCAG 2.1 has it. */
function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const linear = (shift) => {
    const part = ((colour >> shift) & 255) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0);
}

function hex(colour) {
  return `#${colour.toString(16).padStart(6, "0")}`;
}
