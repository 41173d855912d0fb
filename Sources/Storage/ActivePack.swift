import Chunks

/// The pack that is appended to. `tail` and `entries` belong to whoever holds the store's writer lock,
/// `appendedTail`, `syncedTail` and `isBroken` to whoever holds its state lock.
final class ActivePack {
    let number: UInt64
    let file: File
    var tail: UInt64
    var entries: [PackEntry]
    var writebackFrom: UInt64

    var appendedTail: UInt64
    var syncedTail: UInt64
    /// A sync failed: what lies behind `syncedTail` cannot be trusted, and nothing more goes in here.
    var isBroken = false

    init(number: UInt64, file: File, tail: UInt64, entries: [PackEntry]) {
        self.number = number
        self.file = file
        self.tail = tail
        self.entries = entries
        writebackFrom = tail
        appendedTail = tail
        syncedTail = tail
    }
}
