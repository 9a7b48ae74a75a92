/** The shapes of events as the compiler sees them, written out structurally, so that aliases and files do not matter. */
import ts from 'typescript';

const options: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  customConditions: ['annals-source'],
  skipLibCheck: true,
  noEmit: true,
  types: [],
};

/** What all programs have in common (the library, core) is parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>();

function cachingHost(changing: ReadonlySet<string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...more) => {
    if (changing.has(file)) return parse(file, ...more);
    if (!parsed.has(file)) parsed.set(file, parse(file, ...more));
    return parsed.get(file);
  };
  return host;
}

/** @returns by stored type name, the shape of `data` */
export function readEventShapes(files: readonly string[]): Map<string, string> {
  const program = ts.createProgram([...files], options, cachingHost(new Set(files)));
  const checker = program.getTypeChecker();
  const shapes = new Map<string, string>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    for (const statement of source?.statements ?? []) {
      if (!ts.isClassDeclaration(statement) || !statement.name) continue;
      const type = checker.getTypeAtLocation(statement.name);
      const [name, data] = ['type', 'data'].map((property) => type.getProperty(property));
      if (!name || !data || !isEvent(statement)) continue;
      const tag = checker.getTypeOfSymbolAtLocation(name, statement);
      if (tag.isStringLiteral())
        shapes.set(tag.value, shapeOf(checker.getTypeOfSymbolAtLocation(data, statement), checker, statement));
    }
  }
  return shapes;
}

/** `class … extends Event('…')<…>` */
const isEvent = ({ heritageClauses }: ts.ClassDeclaration): boolean => {
  const base = heritageClauses?.[0]?.types[0]?.expression;
  return base !== undefined && ts.isCallExpression(base) && base.expression.getText() === 'Event';
};

function shapeOf(type: ts.Type, checker: ts.TypeChecker, at: ts.Node): string {
  const inner = (part: ts.Type) => shapeOf(part, checker, at);
  if (type.isUnion()) {
    const parts = new Set(type.types.map(inner));
    if (parts.delete('true') && parts.delete('false')) parts.add('boolean');
    return [...parts].sort().join(' | ');
  }
  if (checker.isTupleType(type))
    return `[${checker
      .getTypeArguments(type as ts.TypeReference)
      .map(inner)
      .join(', ')}]`;
  if (checker.isArrayType(type))
    return `(${checker
      .getTypeArguments(type as ts.TypeReference)
      .map(inner)
      .join()})[]`;
  if (!(type.flags & ts.TypeFlags.Object) && !type.isIntersection()) return checker.typeToString(type);
  const properties = checker.getPropertiesOfType(type).map((property) => {
    const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const value = checker.getTypeOfSymbolAtLocation(property, at);
    return `${property.name}${optional ? '?' : ''}: ${inner(optional ? checker.getNonNullableType(value) : value)}`;
  });
  const index = checker.getIndexInfosOfType(type).map(({ type: value }) => `[key]: ${inner(value)}`);
  return `{ ${[...properties.sort(), ...index].join('; ')} }`;
}
