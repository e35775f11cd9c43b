import { createTheme } from '@mantine/core';

/** Calm teal on the system's own typeface; every shade pair used for text keeps a contrast of 4.5:1. */
export const theme = createTheme({
  primaryColor: 'latch',
  primaryShade: 7,
  autoContrast: true,
  luminanceThreshold: 0.28,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, Ubuntu, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  cursorType: 'pointer',
  colors: {
    latch: [
      '#e6faf8',
      '#d3f0ed',
      '#a8e0db',
      '#79d0c8',
      '#52c2b8',
      '#35b5aa',
      '#149a90',
      '#0b7a75',
      '#07635f',
      '#024b48',
    ],
  },
});
