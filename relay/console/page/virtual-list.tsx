import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';

/** A list of which only what is seen exists. */
export interface VirtualListProps {
  readonly label: string;
  readonly count: number;
  /** px */
  readonly rowHeight: number;
  /** The cells of a row, each with the role `gridcell`. */
  readonly renderRow: (index: number) => ReactNode;
  /** Which rows are seen now. */
  readonly onRange?: (first: number, last: number) => void;
  readonly onOpen?: (index: number) => void;
}

/** Browsers cut elements off at 17 to 33 million px; beyond this a step of the scroll bar is several rows. */
const MOST_PX = 12_000_000;
const OVERSCAN = 8;

interface Geometry {
  readonly top: number;
  readonly height: number;
}

/** How far into the whole list a scroll position is, and back. */
function scaleOf(whole: number, { height }: Geometry): { physical: number; ratio: number } {
  const physical = Math.min(whole, MOST_PX);
  return { physical, ratio: physical <= height ? 1 : (whole - height) / (physical - height) };
}

function useGeometry(box: React.RefObject<HTMLDivElement | null>): Geometry {
  const [geometry, setGeometry] = useState<Geometry>({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    let frame = 0;
    const read = (): void => {
      frame = 0;
      setGeometry({ top: element.scrollTop, height: element.clientHeight });
    };
    const later = (): void => {
      frame ||= requestAnimationFrame(read);
    };
    const observer = new ResizeObserver(later);
    observer.observe(element);
    element.addEventListener('scroll', later, { passive: true });
    read();
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      element.removeEventListener('scroll', later);
    };
  }, [box]);
  return geometry;
}

function stepOf(key: string, page: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return 1;
    case 'ArrowUp':
      return -1;
    case 'PageDown':
      return page;
    case 'PageUp':
      return -page;
    case 'Home':
      return -count;
    case 'End':
      return count;
    default:
      return undefined;
  }
}

/** Rows of one height, up to millions of them; arrow keys move, Enter opens. */
export function VirtualList(props: VirtualListProps): ReactNode {
  const { label, count, rowHeight, renderRow, onRange, onOpen } = props;
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const geometry = useGeometry(box);
  const [active, setActive] = useState(0);
  const { physical, ratio } = scaleOf(count * rowHeight, geometry);
  const offset = geometry.top * ratio;
  const first = Math.max(0, Math.floor(offset / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((offset + geometry.height) / rowHeight) + OVERSCAN);
  const current = Math.min(active, Math.max(0, count - 1));

  useEffect(() => onRange?.(first, last), [onRange, first, last]);

  const reveal = useCallback(
    (index: number) => {
      const element = box.current;
      if (element === null) return;
      const [top, end] = [index * rowHeight, (index + 1) * rowHeight];
      const at = element.scrollTop * ratio;
      if (top < at) element.scrollTop = top / ratio;
      else if (end > at + element.clientHeight)
        element.scrollTop = Math.ceil((end - element.clientHeight) / ratio);
    },
    [rowHeight, ratio],
  );

  function press(event: KeyboardEvent): void {
    if (event.key === 'Enter') {
      if (count > 0) onOpen?.(current);
      return;
    }
    const page = Math.max(1, Math.floor(geometry.height / rowHeight) - 1);
    const step = stepOf(event.key, page, count);
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(count - 1, Math.max(0, current + step));
    setActive(next);
    reveal(next);
  }

  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  const isSeen = current >= first && current < last;
  return (
    <div
      ref={box}
      className="virtual"
      role="grid"
      aria-label={label}
      aria-rowcount={count}
      aria-activedescendant={isSeen ? `${id}-${current}` : undefined}
      tabIndex={0}
      onKeyDown={press}
    >
      <div className="virtual-space" role="presentation" style={{ height: physical }}>
        {indexes.map((index) => (
          <div
            key={index}
            id={`${id}-${index}`}
            role="row"
            aria-rowindex={index + 1}
            className="virtual-row"
            data-active={index === current || undefined}
            style={{
              height: rowHeight,
              transform: `translateY(${geometry.top + index * rowHeight - offset}px)`,
            }}
            onClick={() => {
              setActive(index);
              onOpen?.(index);
            }}
          >
            {renderRow(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
