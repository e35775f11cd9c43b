import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** One forbidden import a row: the file, and what it may not import. */
const FORBIDDEN: readonly [string, string][] = [
  ['wire/probe.ts', "import { z } from 'zod';\nexport const probe = z;\n"],
  [
    'wire/probe.ts',
    "import { probe } from '../relay/auth/other.ts';\nexport const again = probe;\n",
  ],
  ['wire/probe.ts', "import { probe } from '../audit/other.ts';\nexport const again = probe;\n"],
  ['audit/probe.ts', "import { probe } from '../relay/other.ts';\nexport const again = probe;\n"],
  ['audit/probe.ts', "import { jwtVerify } from 'jose';\nexport const probe = jwtVerify;\n"],
  [
    'relay/probe.ts',
    "import { probe } from '../app/main/other.ts';\nexport const again = probe;\n",
  ],
  [
    'relay/policy/probe.ts',
    "import { probe } from '../auth/other.ts';\nexport const again = probe;\n",
  ],
  ['relay/policy/probe.ts', "import { jwtVerify } from 'jose';\nexport const probe = jwtVerify;\n"],
  [
    'relay/upstream/probe.ts',
    "import Database from 'better-sqlite3';\nexport const probe = Database;\n",
  ],
  ['relay/auth/probe.ts', "import { probe } from '../relay.ts';\nexport const again = probe;\n"],
  ['app/main/agent/probe.ts', "import { app } from 'electron';\nexport const probe = app;\n"],
  [
    'app/main/agent/login/probe.ts',
    "import { probe } from '../session/other.ts';\nexport const again = probe;\n",
  ],
  [
    'app/main/agent/proxy/probe.ts',
    "import * as oauth from 'openid-client';\nexport const probe = oauth;\n",
  ],
  [
    'app/main/agent/proxy/probe.ts',
    "import { probe } from '../../../../relay/other.ts';\nexport const again = probe;\n",
  ],
  ['app/cli/probe.ts', "import { app } from 'electron';\nexport const probe = app;\n"],
  ['app/renderer/probe.ts', "import fs from 'node:fs';\nexport const probe = fs;\n"],
  [
    'app/renderer/probe.ts',
    "import { probe } from '../main/ipc/contract.ts';\nexport const again = probe;\n",
  ],
  ['relay/probe.ts', "import { probe } from '../demo/other.ts';\nexport const again = probe;\n"],
  ['ui/probe.ts', "import { probe } from '../relay/other.ts';\nexport const again = probe;\n"],
  ['ui/probe.ts', "import fs from 'node:fs';\nexport const probe = fs;\n"],
  ['relay/console/page/probe.ts', "import fs from 'node:fs';\nexport const probe = fs;\n"],
  [
    'relay/console/page/probe.ts',
    "import { probe } from '../../admin/other.ts';\nexport const again = probe;\n",
  ],
];

const ALLOWED: readonly [string, string][] = [
  ['wire/probe.ts', "import http from 'node:http';\nexport const probe = http;\n"],
  [
    'relay/policy/probe.ts',
    "import type { probe } from '../auth/other.ts';\nexport type Again = typeof probe;\n",
  ],
  ['relay/auth/probe.ts', "import { jwtVerify } from 'jose';\nexport const probe = jwtVerify;\n"],
  [
    'app/renderer/probe.ts',
    "import type { probe } from '../main/ipc/contract.ts';\nexport type Again = typeof probe;\n",
  ],
  [
    'relay/console/page/probe.ts',
    "import type { probe } from '../data.ts';\nexport type Again = typeof probe;\n",
  ],
];

function lint(file: string, text: string): { readonly refused: boolean; readonly output: string } {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-layers-'));
  try {
    cpSync(join(root, '.oxlintrc.json'), join(dir, '.oxlintrc.json'));
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'), 'junction');
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'), file],
      { cwd: dir, encoding: 'utf8' },
    );
    return { refused: status !== 0 && stdout.includes('no-restricted-imports'), output: stdout };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test('lint refuses imports across layers', () => {
  for (const [file, text] of FORBIDDEN) {
    const { refused, output } = lint(file, text);
    assert.ok(refused, `${file}: ${text}${output}`);
  }
});

test('lint lets the layers have what they need', () => {
  for (const [file, text] of ALLOWED) {
    const { refused, output } = lint(file, text);
    assert.ok(!refused, `${file}: ${text}${output}`);
  }
});
