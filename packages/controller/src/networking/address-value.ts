/** An address as 32 hexadecimal digits: text order is address order. */
export const addressValue = (address: bigint): string => address.toString(16).padStart(32, '0');
