import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatTime } from '../../../ui/format.ts';
import type { SeriesPoint, Summary } from '../data.ts';
import { useData } from './use-data.ts';

const MINUTE_MS = 60_000;

/** The last hour at a glance. */
export function TrafficStrip(): ReactNode {
  const { value } = useData<Summary>('/console/api/summary?minutes=60', MINUTE_MS);
  if (value === undefined) return <div className="strip" aria-hidden />;
  const { requests, denied, errors } = value.totals;
  return (
    <Group className="strip" gap="lg" wrap="nowrap">
      <Figure value={requests} text="in the last hour" />
      <Figure value={denied} text="refused" />
      <Figure value={errors} text="failed" />
      <Bars points={value.series} />
    </Group>
  );
}

function Figure({ value, text }: { readonly value: number; readonly text: string }): ReactNode {
  return (
    <div className="figure">
      <Text fw={650} size="lg" lh={1.2}>
        {value.toLocaleString('en')}
      </Text>
      <Text size="xs" c="dimmed">
        {text}
      </Text>
    </div>
  );
}

/** Requests over time; what was refused stands on top in another colour and pattern. */
export function Bars({ points }: { readonly points: readonly SeriesPoint[] }): ReactNode {
  const most = Math.max(1, ...points.map(({ allowed, denied }) => allowed + denied));
  const [first, last] = [points[0], points.at(-1)];
  const total = points.reduce((sum, { allowed, denied }) => sum + allowed + denied, 0);
  const label =
    first && last
      ? `${total} requests from ${formatTime(first.at)} to ${formatTime(last.at)}, at most ${most} in a part`
      : 'No requests';
  return (
    <svg
      className="bars"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${points.length * 6} 40`}
      preserveAspectRatio="none"
    >
      {points.map(({ at, allowed, denied }, index) => {
        const [low, high] = [(allowed / most) * 38, (denied / most) * 38];
        return (
          <g key={at} transform={`translate(${index * 6} 0)`}>
            <rect className="bar-base" width={4} height={1} y={39} />
            <rect className="bar-allowed" width={4} height={low} y={40 - low} />
            <rect className="bar-denied" width={4} height={high} y={40 - low - high} />
          </g>
        );
      })}
    </svg>
  );
}
