// A picture's fingerprint, made in the browser that has the picture: PDQ (Meta, pdqhash-2017-10-09) of it as it is,
// turned and mirrored. Only these numbers are sent; the picture stays where it is.
//
// It follows what the service does to a file (detection/fingerprint.py), step by step and in the same precision, so that
// the same pixels have the same fingerprint there and here: shrink to at most SIDE pixels as Pillow does, luma, a tent
// filter as two box filters each way, 64 x 64 points, 16 x 16 frequencies of their cosine transform, one bit for each
// that is above the median. What differs is how a browser decodes a file (docs/limitations.md says by how much).
// float32 is what the reference computes in: Math.fround after every step.

export const SIDE = 512;
export const LEAST_QUALITY = 50; // of 100; what has less is not matched

const GAP = 2; // whole factors first, down to twice the size wanted
const [POINTS, FREQUENCIES] = [64, 16];
const LEAST = 5; // pixels a side; what has fewer has no hash
const PRECISION = 2 ** 22; // of Pillow's coefficients
const MAX_CANVAS = 16_000_000; // pixels, which phones can still draw; a larger picture the browser shrinks first
const { fround } = Math;

// The pixels of a file as a viewer shows it: upright, on white. Throws for what the browser cannot decode.
export async function pixelsOf(file) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, options);
  const scale = Math.sqrt(MAX_CANVAS / (bitmap.width * bitmap.height));
  const size = [bitmap.width, bitmap.height].map((side) => (scale < 1 ? Math.max(1, Math.round(side * scale)) : side));
  const context = new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, ...size);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, ...size);
  bitmap.close();
  return { width: size[0], height: size[1], pixels: context.getImageData(0, 0, ...size).data };
}

// What is sent of a picture of RGBA pixels without transparency: eight hashes in hex, and the quality of the first.
export function fingerprint(picture) {
  const seen = shrunk(picture);
  const luma = { ...seen, pixels: lumaOf(seen.pixels) };
  const found = TURNS.map((turn) => pdq(turned(luma, turn)));
  return { forms: found.map((one) => one.hash), quality: found[0].quality };
}

// The hash of a picture of float32 luma, and how much is to be seen in it, 0 to 100.
export function pdq({ width, height, pixels }) {
  if (Math.min(width, height) < LEAST) return { hash: "0".repeat(64), quality: 0 };
  const points = width === POINTS && height === POINTS ? pixels : decimated(blurred({ width, height, pixels }));
  const bits = frequencies(points);
  const median = Float32Array.from(bits).sort()[bits.length / 2 - 1];
  let hash = "";
  for (let at = bits.length; at > 0; at -= 4) {
    hash += [1, 2, 3, 4].reduce((digit, back) => 2 * digit + (bits[at - back] > median), 0).toString(16);
  }
  return { hash, quality: qualityOf(points) };
}

function lumaOf(pixels) {
  const luma = new Float32Array(pixels.length / 4);
  for (let at = 0, from = 0; at < luma.length; at++, from += 4) {
    luma[at] = pixels[from] * 0.299 + pixels[from + 1] * 0.587 + pixels[from + 2] * 0.114;
  }
  return luma;
}

// Each turned picture, in the order of Pillow's transpositions: whether columns become rows, and whether it is read from
// the right and from below.
const TURNS = [
  [false, false, false],
  [false, true, false],
  [false, false, true],
  [true, true, false],
  [false, true, true],
  [true, false, true],
  [true, false, false],
  [true, true, true],
];

function turned({ width, height, pixels }, [swapped, fromRight, fromBelow]) {
  const start = (fromRight ? width - 1 : 0) + (fromBelow ? (height - 1) * width : 0);
  const [across, down] = [fromRight ? -1 : 1, fromBelow ? -width : width];
  const [columns, rows, step, line] = swapped ? [height, width, down, across] : [width, height, across, down];
  const to = new Float32Array(pixels.length);
  for (let at = 0, y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, at++) to[at] = pixels[start + x * step + y * line];
  }
  return { width: columns, height: rows, pixels: to };
}

// Two passes of a box filter each way (Jarosz); each time as wide as half of what becomes one point.
function blurred({ width, height, pixels }) {
  const [one, other] = [Float32Array.from(pixels), new Float32Array(pixels.length)];
  for (let pass = 0; pass < 2; pass++) {
    for (let row = 0; row < height; row++) box(one, other, row * width, 1, width);
    for (let column = 0; column < width; column++) box(other, one, column, width, height);
  }
  return { width, height, pixels: one };
}

// A running mean of `length` values that lie `stride` apart; towards the ends of fewer.
function box(from, to, start, stride, length) {
  const window = Math.ceil(length / (2 * POINTS));
  const ahead = Math.floor((window + 2) / 2) - 1;
  let [sum, count] = [0, 0];
  for (let step = 0; step < length + ahead; step++) {
    if (step < length) {
      sum = fround(sum + from[start + step * stride]);
      count++;
    }
    if (step >= window) {
      sum = fround(sum - from[start + (step - window) * stride]);
      count--;
    }
    if (step >= ahead) to[start + (step - ahead) * stride] = sum / count;
  }
}

function decimated({ width, height, pixels }) {
  const points = new Float32Array(POINTS * POINTS);
  for (let at = 0; at < points.length; at++) {
    const [row, column] = [Math.floor(at / POINTS), at % POINTS];
    const middle = (place, side) => Math.floor(((place + 0.5) * side) / POINTS);
    points[at] = pixels[middle(row, height) * width + middle(column, width)];
  }
  return points;
}

function qualityOf(points) {
  let sum = 0;
  const step = (a, b) => Math.abs(Math.trunc(fround(fround(fround(a - b) * 100) / 255)));
  for (let at = 0; at < points.length; at++) {
    if (at + POINTS < points.length) sum += step(points[at], points[at + POINTS]);
    if ((at + 1) % POINTS) sum += step(points[at], points[at + 1]);
  }
  return Math.min(Math.floor(sum / 90), 100);
}

const COSINES = Float32Array.from({ length: FREQUENCIES * POINTS }, (_, at) => {
  const [frequency, place] = [Math.floor(at / POINTS), at % POINTS];
  return fround(Math.sqrt(2 / POINTS)) * Math.cos((Math.PI / 2 / POINTS) * (frequency + 1) * (2 * place + 1));
});

// The 16 x 16 lowest but the constant ones.
function frequencies(points) {
  const [half, all] = [new Float32Array(FREQUENCIES * POINTS), new Float32Array(FREQUENCIES * FREQUENCIES)];
  for (let at = 0; at < half.length; at++) {
    const [row, column] = [Math.floor(at / POINTS), at % POINTS];
    half[at] = product((k) => COSINES[row * POINTS + k] * points[k * POINTS + column]);
  }
  for (let at = 0; at < all.length; at++) {
    const [row, column] = [Math.floor(at / FREQUENCIES), at % FREQUENCIES];
    all[at] = product((k) => half[row * POINTS + k] * COSINES[column * POINTS + k]);
  }
  return all;
}

function product(term) {
  let sum = 0;
  for (let k = 0; k < POINTS; k++) sum = fround(sum + fround(term(k)));
  return sum;
}

// Pillow's `resize(…, BILINEAR, reducing_gap=2)`, bit for bit: whole factors by a mean, the rest by a triangle's weights,
// across and then down; since Pillow 13 of a tall picture down first (python-pillow/Pillow#9549).
export function shrunk({ width, height, pixels }) {
  const scale = Math.max(width, height) / SIDE;
  if (scale <= 1) return { width, height, pixels };
  const wanted = [width, height].map((side) => Math.max(1, even(side / scale)));
  const factors = [width, height].map((side, n) => Math.floor(side / wanted[n] / GAP) || 1);
  const picture = reduced({ width, height, pixels }, ...factors);
  const across = weights(picture.width, fround(width / factors[0]), wanted[0]);
  const down = weights(picture.height, fround(height / factors[1]), wanted[1]);
  const tall = picture.height - wanted[1] > 2 * (picture.width - wanted[0]);
  if (tall) return resampled(resampled(picture, down, false), across, true);
  return resampled(resampled(picture, across, true), down, false);
}

function even(value) {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}

// Blocks of so many columns and rows to one pixel; those at the edges may be smaller.
function reduced({ width, height, pixels }, columns, rows) {
  if (columns === 1 && rows === 1) return { width, height, pixels };
  const size = [Math.ceil(width / columns), Math.ceil(height / rows)];
  const to = new Uint8ClampedArray(4 * size[0] * size[1]);
  for (let at = 0, y = 0; y < height; y += rows) {
    for (let x = 0; x < width; x += columns, at += 4) {
      const [right, bottom] = [Math.min(x + columns, width), Math.min(y + rows, height)];
      const count = (right - x) * (bottom - y);
      const multiplier = Math.floor(fround(2 ** 24 / count));
      let [red, green, blue] = [count >> 1, count >> 1, count >> 1];
      for (let row = y; row < bottom; row++) {
        for (let from = 4 * (row * width + x), end = 4 * (row * width + right); from < end; from += 4) {
          red += pixels[from];
          green += pixels[from + 1];
          blue += pixels[from + 2];
        }
      }
      [red, green, blue].forEach((sum, channel) => (to[at + channel] = Math.floor((sum * multiplier) / 2 ** 24)));
    }
  }
  return { width: size[0], height: size[1], pixels: to };
}

// For each pixel that is wanted: the first of those that it is made of, and how much each of them counts.
function weights(size, length, wanted) {
  const scale = length / wanted;
  const reach = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), size);
    const parts = Array.from({ length: end - first }, (_, n) => Math.max(1 - Math.abs((n + first - centre + 0.5) * (1 / reach)), 0));
    const whole = parts.reduce((sum, part) => sum + part, 0);
    return { first, parts: Int32Array.from(parts, (part) => Math.trunc(0.5 + (part / whole) * PRECISION)) };
  });
}

function resampled({ width, height, pixels }, wanted, across) {
  const size = across ? [wanted.length, height] : [width, wanted.length];
  const [to, stride] = [new Uint8ClampedArray(4 * size[0] * size[1]), across ? 4 : 4 * width];
  for (let at = 0, y = 0; y < size[1]; y++) {
    for (let x = 0; x < size[0]; x++, at += 4) {
      const { first, parts } = wanted[across ? x : y];
      const start = 4 * (across ? y * width + first : first * width + x);
      for (let channel = 0; channel < 3; channel++) {
        let sum = PRECISION / 2;
        for (let n = 0; n < parts.length; n++) sum += pixels[start + n * stride + channel] * parts[n];
        to[at + channel] = Math.floor(sum / PRECISION);
      }
    }
  }
  return { width: size[0], height: size[1], pixels: to };
}
