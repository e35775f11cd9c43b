import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder } from '../../../app/main/agent/in-order.ts';

test('a value that comes while another is delivered waits for its end', () => {
  const window: string[] = [];
  const tell = inOrder((status: string) => {
    // The tray comes first: redrawing its menu lets a failed sign-in end in its middle.
    if (status === 'signing-in') tell('signed-out');
    window.push(status);
  });
  tell('signing-in');
  tell('ready');
  assert.deepEqual(window, ['signing-in', 'signed-out', 'ready'], 'never the older one last');
});

test('a listener that fails does not silence the ones after it', () => {
  const seen: number[] = [];
  const tell = inOrder((value: number) => {
    if (value === 1) throw new Error('broken');
    seen.push(value);
  });
  assert.throws(() => tell(1), /broken/);
  tell(2);
  assert.deepEqual(seen, [2]);
});
