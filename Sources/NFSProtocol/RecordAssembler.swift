/// Why a connection's bytes are no records: the connection ends, for nothing after them can be found again.
package enum RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong(limit: Int)
    case tooManyFragments

    package var description: String {
        switch self {
        case .tooLong(let limit): "a record of more than \(limit) bytes"
        case .tooManyFragments: "a record of more than \(RecordAssembler.fragmentLimit) fragments"
        }
    }
}

/// Record marking of RPC over a stream (RFC 5531 §11): each fragment has a length of 31 bits behind a bit that says whether
/// it is the record's last. Memory is taken for bytes that have come, never for those that a length announces.
package struct RecordAssembler: Sendable {
    static let fragmentLimit = 64

    private let limit: Int
    private var header: [UInt8] = []
    /// Of the fragment that is being read; nil between fragments.
    private var missing: Int?
    private var isLast = false
    private var fragments = 0
    private var record: [UInt8] = []

    /// `limit`: bytes of a record.
    package init(limit: Int) { self.limit = limit }

    /// Bytes that wait for the rest of their record.
    package var waiting: Int { record.count + header.count }

    /// Takes what came; returns the records that are whole now.
    package mutating func append(_ bytes: ArraySlice<UInt8>) throws(RecordError) -> [[UInt8]] {
        var bytes = bytes
        var whole: [[UInt8]] = []
        while true {
            if missing == nil {
                let taken = bytes.prefix(4 - header.count)
                header.append(contentsOf: taken)
                bytes = bytes.dropFirst(taken.count)
                guard header.count == 4 else { return whole }
                let word = header.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                header.removeAll(keepingCapacity: true)
                isLast = word >> 31 == 1
                missing = Int(word & 0x7fff_ffff)
                fragments += 1
                guard fragments <= Self.fragmentLimit else { throw .tooManyFragments }
                guard missing! <= limit - record.count else { throw .tooLong(limit: limit) }
            }
            let taken = bytes.prefix(missing!)
            record.append(contentsOf: taken)
            bytes = bytes.dropFirst(taken.count)
            missing! -= taken.count
            guard missing == 0 else { return whole }
            missing = nil
            guard isLast else { continue }
            whole.append(record)
            record = []
            fragments = 0
        }
    }

    /// The mark before a record that goes out as one fragment.
    package static func mark(_ length: Int) -> UInt32 {
        precondition(length < 1 << 31, "a record of \(length) bytes")
        return UInt32(length) | 1 << 31
    }
}
