// Rows as people read them.

const figure = (value) => {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
const range = ({ median, min, max }) => `${figure(median)} (${figure(min)}-${figure(max)})`;

export function cells({ work, unit, better, peerName, ours, peer, ratio, goal, reached }) {
  const sign = better === 'higher' ? '>=' : '<=';
  return [
    `${work}, ${unit}`,
    range(ours),
    peer ? `${range(peer)} ${peerName}` : '-',
    ratio === undefined ? '-' : ratio.toFixed(2),
    goal === undefined ? '-' : `${sign} ${goal}${reached ? '' : ' MISSED'}`,
  ];
}

const head = ['work', 'ours', 'peer', 'ratio', 'goal'];

export const header = () => `| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`;
export const line = (row) => `| ${cells(row).join(' | ')} |`;
