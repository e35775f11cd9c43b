/** One employee of the demo company. The passwords are printed at start: this is a demo. */
export interface Person {
  readonly user: string;
  readonly password: string;
  readonly name: string;
  readonly email: string;
  readonly department: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** The API scopes that the identity provider grants to this person, whatever is asked for. */
  readonly scopes: readonly string[];
}

/** The one-time code of everybody's second step; the page shows it: this is a demo. */
export const demoCode = '424242';

/** Everybody who works at the demo company. */
export const people: readonly Person[] = [
  {
    user: 'alice',
    password: 'alice-demo',
    name: 'Alice Archer',
    email: 'alice@demo.example',
    department: 'finance',
    roles: ['accountant'],
    groups: ['finance'],
    scopes: ['billing.read', 'billing.write'],
  },
  {
    user: 'bob',
    password: 'bob-demo',
    name: 'Bob Baker',
    email: 'bob@demo.example',
    department: 'engineering',
    roles: ['engineer'],
    groups: ['engineering'],
    scopes: ['billing.read'],
  },
  {
    user: 'carol',
    password: 'carol-demo',
    name: 'Carol Carver',
    email: 'carol@demo.example',
    department: 'people',
    roles: ['hr'],
    groups: ['people'],
    scopes: ['payroll.read'],
  },
];

/** Every API scope of the demo company, with the words that the consent page shows. */
export const apiScopes: Readonly<Record<string, string>> = {
  'billing.read': 'See invoices',
  'billing.write': 'Create and approve invoices',
  'payroll.read': 'See payslips',
};

/**
 * Finds a person by the name used to sign in, which is also the token's `sub`.
 *
 * @param user as typed or as in `sub`
 * @returns the person, or undefined
 */
export function findPerson(user: string | undefined): Person | undefined {
  return people.find((person) => person.user === user);
}
