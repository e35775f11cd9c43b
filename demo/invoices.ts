/** One invoice of the demo company. */
export interface Invoice {
  readonly id: string;
  readonly customer: string;
  /** In euros. */
  readonly amount: number;
  readonly status: 'open' | 'approved';
  readonly createdBy: string;
  readonly approvedBy?: string;
}

const customers = ['Acorn Ltd', 'Birch & Sons', 'Cedar GmbH', 'Dogwood SA', 'Elm Oy'];
const maxInvoices = 10_000;

function firstInvoices(): readonly Invoice[] {
  return Array.from({ length: 42 }, (_, index) => ({
    id: `INV-${1001 + index}`,
    customer: customers[index % customers.length] ?? 'Acorn Ltd',
    amount: 100 + ((index * 137) % 900),
    status: index % 3 === 0 ? 'approved' : 'open',
    createdBy: 'alice@demo.example',
    ...(index % 3 === 0 ? { approvedBy: 'alice@demo.example' } : {}),
  }));
}

/**
 * The books of the demo company: in memory, the same at each start.
 *
 * @returns what may be done with invoices; undefined or false where there is no such invoice
 */
export function createInvoices() {
  const books = new Map(firstInvoices().map((invoice) => [invoice.id, invoice]));
  let next = 1001 + books.size;
  return {
    page(page: number, perPage: number) {
      const total = books.size;
      const last = Math.max(1, Math.ceil(total / perPage));
      const link = (number: number, rel: string): string =>
        `<?page=${number}&per_page=${perPage}>; rel="${rel}"`;
      return {
        total,
        invoices: [...books.values()].slice((page - 1) * perPage, page * perPage),
        links: [
          link(1, 'first'),
          ...(page > 1 ? [link(page - 1, 'prev')] : []),
          ...(page < last ? [link(page + 1, 'next')] : []),
          link(last, 'last'),
        ],
      };
    },
    find: (id: string): Invoice | undefined => books.get(id),
    create(body: unknown, createdBy: string): Invoice | undefined {
      if (typeof body !== 'object' || body === null || books.size >= maxInvoices) return undefined;
      const customer = 'customer' in body ? body.customer : undefined;
      const amount = 'amount' in body ? body.amount : undefined;
      if (typeof customer !== 'string' || customer === '') return undefined;
      if (typeof amount !== 'number' || !(amount > 0)) return undefined;
      const invoice: Invoice = { id: `INV-${next}`, customer, amount, status: 'open', createdBy };
      next += 1;
      books.set(invoice.id, invoice);
      return invoice;
    },
    approve(id: string, approvedBy: string): Invoice | undefined {
      const invoice = books.get(id);
      if (invoice === undefined) return undefined;
      const approved: Invoice = { ...invoice, status: 'approved', approvedBy };
      books.set(id, approved);
      return approved;
    },
    remove: (id: string): boolean => books.delete(id),
  };
}
