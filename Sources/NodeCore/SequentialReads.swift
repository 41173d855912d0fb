/// Whether an open file is read in order, and how far its content has been asked for.
///
/// The window doubles with what was read in order, as in Linux's `ondemand_readahead` (mm/readahead.c): a reader
/// that looks at the beginning of many files pays for little more than it reads, one that goes through a large
/// file soon has all that a link can bring in one round trip under way. It is filled up again when half of it is
/// used.
struct SequentialReads: Hashable {
    /// Bytes asked for beyond the reader: what 100 MB/s bring in 80 ms.
    static let windowLimit: UInt64 = 8 << 20
    /// The same where the other nodes of the region have it all: a round trip is short there, and what is asked for
    /// early only keeps other readers waiting.
    static let nearWindowLimit: UInt64 = 1 << 20

    /// Where the last read ended.
    private var next: UInt64 = 0
    /// Bytes read in order up to there.
    private var run: UInt64 = 0
    /// Up to where content was asked for.
    private var asked: UInt64 = 0

    /// Notes a read, and says which bytes are to be asked for beside it, `limit` (at most `windowLimit`) at once.
    mutating func note(offset: UInt64, length: UInt64, limit: UInt64 = Self.windowLimit) -> Range<UInt64>? {
        guard length > 0, offset <= .max - length - Self.windowLimit else { return nil }
        let isInOrder = offset == next
        next = offset + length
        guard isInOrder else {
            run = 0
            asked = next
            return nil
        }
        run = min(run + length, Self.windowLimit)
        let window = min(2 * run, limit)
        asked = max(asked, next)
        guard asked - next <= window / 2 else { return nil }
        defer { asked = next + window }
        return asked..<next + window
    }
}
