import { Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

/**
 * A dialog over the page. It has no `header` element, as Mantine's own has: the page has its one already, and the
 * window's style sheet rules out what would lock the page's scrolling.
 */
export function Dialog({
  title,
  size,
  isClosable = true,
  onClose,
  children,
}: {
  readonly title: string;
  readonly size?: number;
  /** False while leaving by a slip of the hand would lose something. */
  readonly isClosable?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Modal.Root
      opened
      onClose={onClose}
      centered
      lockScroll={false}
      closeOnClickOutside={false}
      closeOnEscape={isClosable}
      {...(size !== undefined && { size })}
    >
      <Modal.Overlay />
      <Modal.Content>
        <Group className="dialog-title" justify="space-between" wrap="nowrap">
          <Modal.Title className="truncate">{title}</Modal.Title>
          {isClosable && <Modal.CloseButton aria-label="Close" />}
        </Group>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
