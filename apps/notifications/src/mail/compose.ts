/** Makes the text of a mail from its templates: `<kind>.text.hbs`, whose first line is the subject, and `<kind>.html.hbs`. */
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import type { Kind, Money, Subject } from '../domain/correspondence/correspondence.events.js';

export interface Composed {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface Templates {
  readonly text: Handlebars.TemplateDelegate;
  readonly html: Handlebars.TemplateDelegate;
}

const kinds: readonly Kind[] = ['order-confirmed', 'order-dispatched', 'order-cancelled'];

const handlebars = Handlebars.create();
handlebars.registerHelper('money', ({ amount, currency }: Money) =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount / 100),
);

const templateText = (file: string): string =>
  readFileSync(new URL(`./templates/${file}.hbs`, import.meta.url), 'utf8');

/** `strict`: a template that names what a mail does not have fails here, and is no mail with holes. */
const templates = new Map<Kind, Templates>(
  kinds.map((kind) => [
    kind,
    {
      text: handlebars.compile(templateText(`${kind}.text`), { noEscape: true, strict: true }),
      html: handlebars.compile(templateText(`${kind}.html`), { strict: true }),
    },
  ]),
);

export function compose(orderId: string, subject: Subject): Composed {
  const { text, html } = templates.get(subject.kind) as Templates;
  const facts = { orderId, ...subject };
  const [title = '', ...lines] = text(facts).split('\n');
  return { subject: title, text: lines.join('\n').trimStart(), html: html(facts) };
}
