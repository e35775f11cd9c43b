import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inPath } from '../../../build/test-tools.ts';
import { useTools } from '../../support/tools.ts';

/** Debian's Go alone is 400 MB: no run has to have it, not even one with `CI=true`. */
const skip = inPath('go') ? false : 'no go: install the package golang-go';

const SOURCE = `package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func show(name string, answer *http.Response, err error, wanted string) {
	if err != nil {
		fmt.Println(name, err)
		return
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	fmt.Println(name, answer.Proto, answer.StatusCode, strings.Contains(string(body), wanted))
}

func main() {
	base := os.Args[1]
	answer, err := http.Get(base + "/invoices")
	show("get", answer, err, "INV-1002")
	answer, err = http.Post(base+"/echo", "application/json", strings.NewReader("{}"))
	show("post", answer, err, "\\"bytes\\": 2")
	// A reader of unknown length: sent in chunks.
	request, _ := http.NewRequest("PUT", base+"/import", io.MultiReader(strings.NewReader(strings.Repeat("a", 300000))))
	answer, err = http.DefaultClient.Do(request)
	show("chunked", answer, err, "\\"bytes\\": 300000")
	request, _ = http.NewRequest("DELETE", base+"/invoices/INV-1002", nil)
	answer, err = http.DefaultClient.Do(request)
	show("refused", answer, err, "\\"code\\":\\"denied\\"")
	answer, err = http.Get(base + "/feed")
	if err == nil {
		line, _ := bufio.NewReader(answer.Body).ReadString('\\n')
		fmt.Println("event", strings.TrimSpace(line))
	}
}
`;

describe('Go net/http', { skip }, () => {
  const bench = useTools();

  test('gets, posts, sends in chunks, is refused, reads events', async () => {
    const { home, localhost, run } = bench();
    const file = join(home, 'tool.go');
    await writeFile(file, SOURCE);
    const env = {
      CGO_ENABLED: '0',
      GO111MODULE: 'off',
      GOCACHE: process.env['GOCACHE'] ?? join(homedir(), '.cache', 'go-build'),
    };
    const args = ['run', file, `${localhost}/billing`];
    const { stdout, stderr } = await run('go', args, { env, timeoutMs: 240_000 });
    assert.deepEqual(
      stdout.trim().split('\n'),
      [
        'get HTTP/1.1 200 true',
        'post HTTP/1.1 200 true',
        'chunked HTTP/1.1 200 true',
        'refused HTTP/1.1 403 true',
        'event id: 1',
      ],
      stderr,
    );
  });
});
