import { after, before } from 'node:test';

import { startCompany } from '../../demo/company.ts';
import type { Company, CompanyOptions } from '../../demo/company.ts';

/**
 * Starts the demo company once for a test file (or a `describe`) and stops it after the last test.
 *
 * @param options as for {@link startCompany}
 * @returns a function that gives the running company; call it inside tests
 */
export function useCompany(options: CompanyOptions = {}): () => Company {
  let company: Company | undefined;
  before(async () => {
    company = await startCompany(options);
  });
  after(async () => company?.close());
  return () => {
    if (company === undefined) throw new Error('the company has not started');
    return company;
  };
}
