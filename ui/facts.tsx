import type { ReactNode } from 'react';

/** Terms and what there is to say, in order; nothing is shown of what is undefined. */
export type FactList = Readonly<Record<string, ReactNode>>;

/** Terms beside their values. */
export function Facts({ facts }: { readonly facts: FactList }): ReactNode {
  return (
    <dl className="facts">
      {Object.entries(facts).map(([term, value]) =>
        value === undefined ? null : (
          <div key={term} className="fact">
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
