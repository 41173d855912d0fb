/// Which contract a file system keeps: see `docs/concepts/two-kinds.md`.
package enum FilesystemKind: UInt32, Sendable, Hashable, CaseIterable {
    case nfs = 1
    case volume = 2

    /// The prefix of ids of this kind.
    package var idPrefix: String {
        switch self {
        case .nfs: "sv-"
        case .volume: "vo-"
        }
    }

    /// The word for it on the command line and in JSON.
    package var word: String {
        switch self {
        case .nfs: "nfs"
        case .volume: "volume"
        }
    }

    /// The words for it in a sentence.
    package var noun: String {
        switch self {
        case .nfs: "network file system"
        case .volume: "volume"
        }
    }
}

/// The id of a file system: its kind and 128 random bits, written as a prefix and 22 characters
/// of base 62. Deleting and re-creating a name makes a new id, so old mounts never follow.
package struct FilesystemID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let kind: FilesystemKind
    package let high: UInt64
    package let low: UInt64

    package init(kind: FilesystemKind, high: UInt64, low: UInt64) {
        self.kind = kind
        self.high = high
        self.low = low
    }

    /// Reads the text form; nil where it is not one.
    package init?(_ text: String) {
        guard let kind = FilesystemKind.allCases.first(where: { text.hasPrefix($0.idPrefix) }),
            let value = Base62.decode(text.dropFirst(kind.idPrefix.count))
        else { return nil }
        self.init(kind: kind, high: value.high, low: value.low)
    }

    package static func < (a: FilesystemID, b: FilesystemID) -> Bool {
        (a.kind.rawValue, a.high, a.low) < (b.kind.rawValue, b.high, b.low)
    }

    package var description: String { kind.idPrefix + Base62.encode(high: high, low: low) }
}

/// An app owns things that live as long as it does (`ap-` and 22 characters).
package struct AppID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let prefix = "ap-"
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let value = Base62.decode(text.dropFirst(Self.prefix.count))
        else { return nil }
        self.init(high: value.high, low: value.low)
    }
    package static func < (a: AppID, b: AppID) -> Bool { (a.high, a.low) < (b.high, b.low) }
    package var description: String { Self.prefix + Base62.encode(high: high, low: low) }
}

/// 128 bits as 22 characters of `0-9A-Za-z`, most significant first.
package enum Base62 {
    static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    package static let length = 22

    package static func encode(high: UInt64, low: UInt64) -> String {
        var value = UInt128(high) << 64 | UInt128(low)
        var characters = [UInt8](repeating: digits[0], count: length)
        for index in characters.indices.reversed() {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 62)
            characters[index] = digits[Int(remainder)]
            value = quotient
        }
        return String(decoding: characters, as: UTF8.self)
    }

    package static func decode(_ text: Substring) -> (high: UInt64, low: UInt64)? {
        guard text.utf8.count == length else { return nil }
        var value: UInt128 = 0
        for byte in text.utf8 {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 62)
            let (sum, carry) = product.addingReportingOverflow(UInt128(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
    }
}
