const style = `
:root { color-scheme: light dark; --accent: #1c6e5a; --line: #8886; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1.25rem; }
.demo { font-size: .85rem; border: 1px solid var(--line); border-radius: .5rem; padding: .35rem .75rem; }
label { display: block; margin: 1rem 0 .25rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid #888; border-radius: .375rem; }
button { font: inherit; margin: 1.25rem .5rem 0 0; padding: .5rem 1.25rem; border: 1px solid #888; border-radius: .375rem; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: #fff; }
:focus-visible { outline: 3px solid #4c9aff; outline-offset: 2px; }
.error { color: #b3261e; font-weight: 600; }
@media (prefers-color-scheme: dark) { .error { color: #ff9d94; } }`;

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Demo company</title>
<style>${style}</style>
</head>
<body>
<p class="demo">Demo identity provider. Everybody and everything here is made up.</p>
<main>
<h1>${escape(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/**
 * The page that asks who you are.
 *
 * @param action where the form goes
 * @param fault what was wrong with the last attempt, with the name that was typed
 * @returns HTML
 */
export function loginPage(
  action: string,
  fault?: { readonly message: string; readonly user: string },
): string {
  const invalid = fault === undefined ? '' : ' aria-invalid="true" aria-describedby="fault"';
  return page(
    'Sign in',
    `${fault === undefined ? '' : `<p class="error" role="alert" id="fault">${escape(fault.message)}</p>`}
<form method="post" action="${escape(action)}">
<label for="user">User name</label>
<input id="user" name="user" autocomplete="username" autocapitalize="none" required autofocus value="${escape(fault?.user ?? '')}"${invalid}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${invalid}>
<button class="main" type="submit">Sign in</button>
</form>`,
  );
}

/**
 * The page that asks for the second step of a sign-in.
 *
 * @param options where the form goes, whose sign-in it is, the code (shown: this is a demo), what was wrong
 * @returns HTML
 */
export function codePage(options: {
  readonly action: string;
  readonly switchUrl: string;
  readonly person: string;
  readonly code: string;
  readonly fault?: string;
}): string {
  const { action, code, fault } = options;
  const invalid = fault === undefined ? '' : ' aria-invalid="true" aria-describedby="fault"';
  return page(
    'Confirm that it is you',
    `<p>${escape(options.person)}, this needs a second step.</p>
<p class="demo">Demo: nothing was sent to a phone. The code is <strong>${escape(code)}</strong>.</p>
${fault === undefined ? '' : `<p class="error" role="alert" id="fault">${escape(fault)}</p>`}
<form method="post" action="${escape(action)}">
<label for="code">One-time code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus${invalid}>
<button class="main" type="submit">Confirm</button>
</form>
<p><a href="${escape(options.switchUrl)}">Use another account</a></p>`,
  );
}

/**
 * The page that asks whether to end the session in this browser.
 *
 * @param form the provider's own form, `op.logoutForm`, without buttons
 * @returns HTML
 */
export function signOutPage(form: string): string {
  return page(
    'Sign out?',
    `<p>This ends your session here and at every application that you signed in to from this browser.</p>
${form}
<button class="main" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  );
}

/**
 * The page after {@link signOutPage}.
 *
 * @returns HTML
 */
export function signedOutPage(): string {
  return page('Signed out', '<p>Your session has ended. You can close this page.</p>');
}

/**
 * The page that asks whether the app may act for you.
 *
 * @param options where the form goes, who is signed in, what is granted and what was asked for in vain
 * @returns HTML
 */
export function consentPage(options: {
  readonly action: string;
  readonly switchUrl: string;
  readonly client: string;
  readonly person: string;
  readonly granted: readonly string[];
  readonly withheld: readonly string[];
}): string {
  const list = (items: readonly string[]): string =>
    `<ul>${items.map((item) => `<li>${escape(item)}</li>`).join('')}</ul>`;
  const withheld =
    options.withheld.length === 0
      ? ''
      : `<p>Asked for, but not yours to give:</p>${list(options.withheld)}`;
  return page(
    'Allow access?',
    `<p><strong>${escape(options.client)}</strong> wants to act for <strong>${escape(options.person)}</strong>:</p>
${list(['Know who you are', ...options.granted])}
${withheld}
<form method="post" action="${escape(options.action)}">
<button class="main" type="submit" name="answer" value="allow">Allow</button>
<button type="submit" name="answer" value="deny">Deny</button>
</form>
<p><a href="${escape(options.switchUrl)}">Use another account</a></p>`,
  );
}

/**
 * The page for everything that cannot go on.
 *
 * @param message what happened and what to do
 * @returns HTML
 */
export function errorPage(message: string): string {
  return page('That did not work', `<p role="alert">${escape(message)}</p>`);
}
