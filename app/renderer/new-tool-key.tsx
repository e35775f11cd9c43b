import { Button, Group, MultiSelect, Select, Stack, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { MadeToolKeyView, NewToolKeyView, ToolKeysView } from '../main/ipc/tool-key-views.ts';
import { CallError, problemOf, valueOf } from './bridge.ts';
import { Dialog } from './dialog.tsx';
import { lifetimes, methods } from './key-words.ts';
import { MadeToolKey } from './made-tool-key.tsx';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';

interface NewToolKeyProps extends PartProps {
  readonly apis: ToolKeysView['apis'];
  readonly onMade: () => void;
  readonly onClose: () => void;
}

/** Asks what the key shall be, then shows its secret this once. */
export function NewToolKey(props: NewToolKeyProps): ReactNode {
  const [made, setMade] = useState<MadeToolKeyView>();
  return (
    <Dialog
      title={made === undefined ? 'Add a tool key' : `The key for ${made.key.name}`}
      size={560}
      isClosable={made === undefined}
      onClose={props.onClose}
    >
      {made === undefined ? (
        <Form
          {...props}
          onMade={(key) => {
            setMade(key);
            props.onMade();
          }}
        />
      ) : (
        <MadeToolKey {...props} made={made} />
      )}
    </Dialog>
  );
}

interface Fields {
  readonly name: string;
  readonly apis: readonly string[];
  readonly methods: readonly string[];
  readonly readOnly: boolean;
  readonly lifetime: string;
}

const blank: Fields = {
  name: '',
  apis: [],
  methods: [],
  readOnly: false,
  lifetime: lifetimes[2].value,
};

function wanted(form: Fields): NewToolKeyView {
  const { name, apis, readOnly, lifetime } = form;
  const limited = readOnly ? [] : form.methods;
  return {
    name: name.trim(),
    ...(apis.length > 0 && { apis }),
    ...(limited.length > 0 && { methods: limited }),
    ...(readOnly && { readOnly }),
    ...(lifetime !== '' && { expiresInMs: Number(lifetime) }),
  };
}

function Form({
  bridge,
  apis,
  onMade,
  onClose,
}: Omit<NewToolKeyProps, 'onMade'> & {
  readonly onMade: (made: MadeToolKeyView) => void;
}): ReactNode {
  const [form, setForm] = useState(blank);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const set = (change: Partial<Fields>): void => setForm({ ...form, ...change });
  // The other fields offer only what is allowed.
  const isAboutName = error instanceof CallError && error.code === 'bad_usage';
  const add = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      onMade(await valueOf(bridge.addToolKey(wanted(form))));
    } catch (refusal) {
      setError(refusal);
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          description="Of the tool that will use it; the activity shows it."
          placeholder="Nightly report"
          maxLength={64}
          value={form.name}
          error={isAboutName ? problemOf(error) : undefined}
          onChange={(event) => set({ name: event.currentTarget.value })}
          spellCheck={false}
          autoComplete="off"
          data-autofocus
        />
        <MultiSelect
          label="APIs"
          description={
            apis.length === 0 ? 'Sign in to choose; until then a key opens every API.' : undefined
          }
          placeholder={form.apis.length === 0 ? 'Every API' : undefined}
          data={apis.map(({ name, title }) => ({ value: name, label: title }))}
          value={[...form.apis]}
          disabled={apis.length === 0}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Every API' }}
          onChange={(chosen) => set({ apis: chosen })}
        />
        <Switch
          label="Read-only"
          description="GET, HEAD and OPTIONS, and no WebSocket."
          checked={form.readOnly}
          onChange={(event) => set({ readOnly: event.currentTarget.checked })}
        />
        <MultiSelect
          label="Methods"
          placeholder={form.methods.length === 0 ? 'Every method' : undefined}
          data={[...methods]}
          value={[...form.methods]}
          disabled={form.readOnly}
          clearable
          clearButtonProps={{ 'aria-label': 'Every method' }}
          onChange={(chosen) => set({ methods: chosen })}
        />
        <Select
          label="Expires after"
          data={lifetimes}
          value={form.lifetime}
          allowDeselect={false}
          onChange={(lifetime) => set({ lifetime: lifetime ?? '' })}
        />
        {error !== undefined && !isAboutName && (
          <Problem title="The key was not made">{problemOf(error)}</Problem>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy} disabled={form.name.trim() === ''}>
            Add the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
