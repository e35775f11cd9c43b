import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';

// Draws every icon from the shapes below; run it after changing one and commit the pictures:
//   node build/make-icons.ts

const outDir = join(dirname(fileURLToPath(import.meta.url)), 'icons');

/** A key on a 22-unit grid: bow at the upper left, blade to the lower right. */
const bow = 'M8.2 4.2a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 0 0 0-9.2z';
const hole = 'M7.3 6.5a1.5 1.5 0 1 1 0 3a1.5 1.5 0 0 1 0-3z';
const blade = 'M11.2 10.2l7 7v2.1h-2.9v-2h-2v-2h-1.6l-2.2-2.2z';

interface Drawing {
  /** The plate behind the key, on the 22-unit grid. */
  readonly plate: string;
  readonly color: string;
  /** Drawn inside; `{ink}` is the ink's colour. */
  readonly inside: string;
}

const scaledKey = '<g transform="translate(1.6 1.6) scale(.855)">';
const solidKey = `${scaledKey}<path fill="{ink}" fill-rule="evenodd" d="${bow}${hole}"/><path fill="{ink}" d="${blade}"/></g>`;
const strokes = 'fill="none" stroke="{ink}" stroke-width="2.4" stroke-linecap="round"';

const square = '<rect x="1" y="1" width="20" height="20" rx="5.5"/>';
const disc = '<circle cx="11" cy="11" r="10"/>';
const triangle =
  '<path d="M11 2.2L20.3 19H1.7z" stroke-width="3" stroke-linejoin="round" stroke="{plate}"/>';
const octagon = '<path d="M7 1.2h8L20.8 7v8L15 20.8H7L1.2 15V7z"/>';

const states: Readonly<Record<string, Drawing>> = {
  ready: { plate: square, color: '#0b7a75', inside: solidKey },
  'signed-out': {
    plate:
      '<rect x="2" y="2" width="18" height="18" rx="5" fill="none" stroke="{plate}" stroke-width="2"/>',
    color: '#7d8590',
    inside: `<g transform="translate(3.4 3.2) scale(.69)"><path fill="{plate}" fill-rule="evenodd" d="${bow}${hole}"/><path fill="{plate}" d="${blade}"/></g>`,
  },
  'signing-in': {
    plate: disc,
    color: '#2f6fdd',
    inside:
      '<g fill="{ink}"><circle cx="5.8" cy="11" r="1.9"/><circle cx="11" cy="11" r="1.9"/><circle cx="16.2" cy="11" r="1.9"/></g>',
  },
  offline: {
    plate: octagon,
    color: '#5b616b',
    inside: `<path ${strokes} d="M7.2 7.2l7.6 7.6M14.8 7.2l-7.6 7.6"/>`,
  },
  expired: {
    plate: triangle,
    color: '#c4620a',
    inside: `<path ${strokes} d="M11 8v4.6"/><circle fill="{ink}" cx="11" cy="16.4" r="1.5"/>`,
  },
};

function colored(drawing: Drawing): string {
  const body = `<g fill="${drawing.color}">${drawing.plate}</g>${drawing.inside}`;
  return svg(body.replaceAll('{plate}', drawing.color).replaceAll('{ink}', '#ffffff'));
}

/** Black with the inside cut out, for macOS to colour. */
function template(drawing: Drawing): string {
  if (!drawing.inside.includes('{ink}')) {
    return svg(`${drawing.plate}${drawing.inside}`.replaceAll('{plate}', '#000'));
  }
  const plate = `<g fill="#000">${drawing.plate.replaceAll('{plate}', '#000')}</g>`;
  const inside = drawing.inside.replaceAll('{ink}', '#000');
  return svg(
    `<mask id="cut"><rect width="22" height="22" fill="#fff"/>${inside}</mask><g mask="url(#cut)">${plate}</g>`,
  );
}

const svg = (body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22" width="100%" height="100%">${body}</svg>`;

const appIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="100%" height="100%">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#14a098"/><stop offset="1" stop-color="#075e63"/></linearGradient></defs>
<rect x="12" y="12" width="232" height="232" rx="56" fill="url(#g)"/>
<g transform="translate(24 24) scale(9.45)"><path fill="#fff" fill-rule="evenodd" d="${bow}${hole}"/><path fill="#fff" d="${blade}"/></g></svg>`;

async function draw(page: Page, markup: string, size: number): Promise<Buffer> {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${markup}`,
  );
  return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
}

/** Windows' container: a directory of PNG pictures. */
function ico(pictures: readonly (readonly [size: number, png: Buffer])[]): Buffer {
  const head = Buffer.alloc(6 + 16 * pictures.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  pictures.forEach(([size, png], index) => {
    const at = 6 + 16 * index;
    head.writeUInt8(size % 256, at);
    head.writeUInt8(size % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([head, ...pictures.map(([, png]) => png)]);
}

const icnsKinds = new Map([
  [128, 'ic07'],
  [256, 'ic08'],
  [512, 'ic09'],
  [1024, 'ic10'],
]);

/** macOS' container: PNG pictures behind a four-letter kind. */
function icns(pictures: readonly (readonly [size: number, png: Buffer])[]): Buffer {
  const parts = pictures.flatMap(([size, png]) => {
    const kind = icnsKinds.get(size);
    return kind === undefined ? [] : [chunk(kind, png)];
  });
  return chunk('icns', Buffer.concat(parts));
}

function chunk(kind: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8, kind, 'latin1');
  head.writeUInt32BE(content.length + 8, 4);
  return Buffer.concat([head, content]);
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage();
  await mkdir(join(outDir, 'tray'), { recursive: true });
  for (const [state, drawing] of Object.entries(states)) {
    for (const [scale, suffix] of [
      [1, ''],
      [2, '@2x'],
    ] as const) {
      const name = (kind: string): string => join(outDir, 'tray', `${state}${kind}${suffix}.png`);
      await writeFile(name(''), await draw(page, colored(drawing), 22 * scale));
      await writeFile(name('Template'), await draw(page, template(drawing), 22 * scale));
    }
  }
  const pictures: [number, Buffer][] = [];
  for (const size of [16, 24, 32, 48, 64, 128, 256, 512, 1024]) {
    const png = await draw(page, appIcon, size);
    pictures.push([size, png]);
    await writeFile(join(outDir, `${size}x${size}.png`), png);
  }
  await writeFile(join(outDir, 'icon.ico'), ico(pictures.filter(([size]) => size <= 256)));
  await writeFile(join(outDir, 'icon.icns'), icns(pictures));
  await writeFile(join(outDir, 'latchkey.svg'), appIcon);
} finally {
  await browser.close();
}
