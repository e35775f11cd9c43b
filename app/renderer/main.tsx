import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import '../../ui/base.css';
import './styles.css';
import { windowTheme } from './lists.ts';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.nonce ?? '';
const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no #root');

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={windowTheme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <App bridge={window.latchkey} />
    </MantineProvider>
  </StrictMode>,
);
