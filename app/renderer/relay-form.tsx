import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';
import { CallError, valueOf } from './bridge.ts';

/** Asks for the relay's address and saves it. */
export function RelayForm({
  bridge,
  snapshot,
  onSaved,
}: PartProps & { readonly onSaved?: () => void }): ReactNode {
  const [address, setAddress] = useState(snapshot.relay ?? '');
  const [error, setError] = useState<string>();
  const [saving, setSaving] = useState(false);
  const save = async (): Promise<void> => {
    setSaving(true);
    setError(undefined);
    try {
      await valueOf(bridge.setRelay(address));
      onSaved?.();
    } catch (refusal) {
      setError(refusal instanceof CallError ? refusal.message : 'The address was not saved.');
    } finally {
      setSaving(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      noValidate
    >
      <Group align="flex-start" wrap="nowrap" gap="sm">
        <TextInput
          className="grow"
          label="Relay address"
          description="Your IT department knows it."
          placeholder="https://relay.example.com"
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
          error={error}
          spellCheck={false}
          autoComplete="off"
          data-autofocus
        />
        <Button type="submit" mt={44} loading={saving} disabled={address.trim() === ''}>
          Continue
        </Button>
      </Group>
    </form>
  );
}
