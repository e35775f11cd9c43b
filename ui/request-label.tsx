import type { ReactNode } from 'react';
import { outsideText } from './outside-text.ts';

/** Method and path of a request, on one line. */
export function RequestLabel({
  method,
  path,
}: {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}): ReactNode {
  const shown = path && outsideText(path);
  return (
    <>
      <span className="method">{method}</span>{' '}
      <span className="path" title={shown}>
        {shown}
      </span>
    </>
  );
}
