import { createTheme, mergeThemeOverrides, MultiSelect, Select } from '@mantine/core';
import { theme } from '../../ui/theme.ts';

/** Lists of choices open within their landmark, and stick out of a dialog all the same. */
export const lists = { withinPortal: false, floatingStrategy: 'fixed' } as const;

/** A list scrolls by the keys of its field; a scroll area of its own would be out of their reach. */
const defaultProps = {
  comboboxProps: lists,
  withScrollArea: false,
  styles: {
    options: { maxHeight: 220, overflowY: 'auto' },
    option: { overflowWrap: 'anywhere', minWidth: 0 },
  },
} as const;

/** The shared theme with the window's lists. */
export const windowTheme = mergeThemeOverrides(
  theme,
  createTheme({
    components: {
      Select: Select.extend({ defaultProps }),
      MultiSelect: MultiSelect.extend({ defaultProps }),
    },
  }),
);
