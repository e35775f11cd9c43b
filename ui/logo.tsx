import type { ReactNode } from 'react';

/** The mark, beside which the name stands. */
export function Logo(): ReactNode {
  return (
    <svg className="logo" viewBox="0 0 22 22" width="30" height="30" aria-hidden>
      <rect width="22" height="22" rx="5.5" />
      <g transform="translate(1.6 1.6) scale(.855)">
        <path
          fillRule="evenodd"
          d="M8.2 4.2a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 0 0 0-9.2zM7.3 6.5a1.5 1.5 0 1 1 0 3a1.5 1.5 0 0 1 0-3z"
        />
        <path d="M11.2 10.2l7 7v2.1h-2.9v-2h-2v-2h-1.6l-2.2-2.2z" />
      </g>
    </svg>
  );
}
