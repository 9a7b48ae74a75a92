/** Reads the catalogue of coded errors out of the sources, and writes it as docs/errors.md. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { statusOf } from '@annals/nestjs';
import ts from 'typescript';

export interface CatalogueEntry {
  readonly file: string;
  readonly name: string;
  readonly code: string;
  readonly kind: string;
  /** What its doc comment says. */
  readonly meaning: string;
  /** Its text, with `…` where values stand. */
  readonly text: string;
}

const kindStatus: Readonly<Record<string, number>> = statusOf;

/** Whether coded errors may be declared in this file. */
export const isErrorsFile = (file: string): boolean =>
  /^libs\/[^/]+\/src\/(.+\/)?errors\.ts$/.test(file) || /^apps\/.+\.errors\.ts$/.test(file);

/** All coded errors of libs and apps, wherever they are declared. */
export function readCatalogue(root: string): CatalogueEntry[] {
  const classes = sourceFiles(root).flatMap((file) => classesOf(root, file));
  const kinds = new Map(classes.map((each) => [each.name, each]));
  const kindOf = ({ kind, base }: ErrorClass): string => {
    if (kind !== undefined) return kind;
    const parent = base === undefined ? undefined : kinds.get(base);
    return parent ? kindOf(parent) : base === 'DomainError' ? 'rejected' : 'internal';
  };
  return classes.flatMap((each) =>
    each.code === undefined
      ? []
      : [
          {
            file: each.file,
            name: each.name,
            code: each.code,
            kind: kindOf(each),
            meaning: each.meaning,
            text: each.text,
          },
        ],
  );
}

export function catalogueMarkdown(entries: readonly CatalogueEntry[]): string {
  const packages = groups(entries);
  const sections = [...packages].map(([name, errors]) => {
    const rows = errors.map(
      ({ code, name: className, kind, meaning, text }) =>
        `| \`${code}\` | ${className} | ${kind} (${kindStatus[kind] ?? '?'}) | ${cell(meaning)} | ${cell(text)} |`,
    );
    return [`## ${name}`, '', '| code | class | kind (HTTP) | when | text |', '|---|---|---|---|---|', ...rows].join(
      '\n',
    );
  });
  return `${head}\n${sections.join('\n\n')}\n`;
}

const head = `# Errors

All errors with a stable code, by package: programs may rely on the code and on the fields of the class, people on the text,
which says what to do. Over HTTP they are problem+json (RFC 9457) with the status of their kind; what an \`internal\` one says
stays in the logs. This page is made from the sources by \`test/docs/errors.spec.ts\`, which fails when they differ; to write it
anew: \`ANNALS_WRITE_DOCS=1 npm test -- test/docs\`.
`;

const sourceFiles = (root: string): string[] =>
  ['libs', 'apps']
    .flatMap((kind) => readdirSync(`${root}/${kind}`).map((name) => `${kind}/${name}/src`))
    .filter((folder) => existsSync(`${root}/${folder}`))
    .flatMap((folder) =>
      readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .sort();

interface ErrorClass {
  readonly file: string;
  readonly name: string;
  readonly base: string | undefined;
  readonly code: string | undefined;
  readonly kind: string | undefined;
  readonly meaning: string;
  readonly text: string;
}

function classesOf(root: string, file: string): ErrorClass[] {
  const text = readFileSync(`${root}/${file}`, 'utf8');
  if (!/extends \w+/.test(text) || !text.includes('code')) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return source.statements.filter(ts.isClassDeclaration).map((declaration) => ({
    file,
    name: declaration.name?.text ?? '',
    base: baseOf(declaration),
    code: isErrorClass(declaration) ? initialText(declaration, 'code') : undefined,
    kind: initialText(declaration, 'kind'),
    meaning: docOf(declaration),
    text: superText(declaration),
  }));
}

const baseOf = ({ heritageClauses }: ts.ClassDeclaration): string | undefined =>
  heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression.getText();

const isErrorClass = (declaration: ts.ClassDeclaration): boolean =>
  baseOf(declaration) !== undefined && initialText(declaration, 'code') !== undefined;

function initialText({ members }: ts.ClassDeclaration, property: string): string | undefined {
  const member = members.filter(ts.isPropertyDeclaration).find(({ name }) => name.getText() === property);
  let { initializer } = member ?? {};
  while (initializer && (ts.isAsExpression(initializer) || ts.isSatisfiesExpression(initializer)))
    initializer = initializer.expression;
  return initializer && ts.isStringLiteralLike(initializer) ? initializer.text : undefined;
}

function docOf(declaration: ts.ClassDeclaration): string {
  const [doc] = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc);
  return (doc ? (ts.getTextOfJSDocComment(doc.comment) ?? '') : '').replaceAll(/\s+/g, ' ').trim();
}

/** The first argument of `super(...)`. */
function superText(declaration: ts.ClassDeclaration): string {
  let found = '';
  const visit = (node: ts.Node): void => {
    if (
      found === '' &&
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.SuperKeyword &&
      node.arguments[0]
    )
      found = plainText(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found.replaceAll(/\s+/g, ' ').trim();
}

function plainText(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return plainText(node.left) + plainText(node.right);
  if (ts.isParenthesizedExpression(node)) return plainText(node.expression);
  if (ts.isConditionalExpression(node)) return `${plainText(node.whenTrue)} / ${plainText(node.whenFalse)}`;
  return '…';
}

function groups(entries: readonly CatalogueEntry[]): Map<string, CatalogueEntry[]> {
  const grouped = new Map<string, CatalogueEntry[]>();
  for (const entry of entries) {
    const name = entry.file.split('/').slice(0, 2).join('/');
    grouped.set(name, [...(grouped.get(name) ?? []), entry]);
  }
  for (const errors of grouped.values()) errors.sort((a, b) => (a.code < b.code ? -1 : 1));
  return grouped;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/([<>*_])/g, '\\$1');
