import type { ReactNode } from 'react';

/** Method and path of a request, on one line. */
export function RequestLabel({
  method,
  path,
}: {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}): ReactNode {
  return (
    <>
      <span className="method">{method}</span>{' '}
      <span className="path" title={path}>
        {path}
      </span>
    </>
  );
}
