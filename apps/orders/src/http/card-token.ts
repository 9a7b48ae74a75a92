/**
 * Stands for a card network's tokenisation: what goes on from the edge is a token with the last four digits, so that no
 * event, message, log or read model ever holds a card number.
 */
export const cardToken = (cardNumber: string): string => `tok_${cardNumber.slice(-4)}`;
