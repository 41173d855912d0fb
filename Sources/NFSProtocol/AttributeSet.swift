import Primitives

/// The attributes that are served, by their numbers (RFC 8881 §5, RFC 7862 §12.2, RFC 8276 §8.2).
enum Attribute: Int, CaseIterable {
    case supported = 0
    case type = 1
    case handleExpiry = 2
    case change = 3
    case size = 4
    case linkSupport = 5
    case symlinkSupport = 6
    case namedAttributes = 7
    case filesystem = 8
    case uniqueHandles = 9
    case leaseTime = 10
    case readError = 11
    case aclSupport = 13
    case canSetTime = 15
    case caseInsensitive = 16
    case casePreserving = 17
    case chownRestricted = 18
    case handle = 19
    case fileID = 20
    case filesAvailable = 21
    case filesFree = 22
    case filesTotal = 23
    case homogeneous = 26
    case maximumFileSize = 27
    case maximumLinks = 28
    case maximumName = 29
    case maximumRead = 30
    case maximumWrite = 31
    case mode = 33
    case noTruncation = 34
    case links = 35
    case owner = 36
    case ownerGroup = 37
    case rawDevice = 41
    case spaceAvailable = 42
    case spaceFree = 43
    case spaceTotal = 44
    case spaceUsed = 45
    case accessed = 47
    case setAccessed = 48
    case timeDelta = 51
    case changed = 52
    case modified = 53
    case setModified = 54
    case mountedOnFileID = 55
    case exclusiveCreate = 75
    case extendedAttributes = 82

    /// The minor version that it came with.
    var minor: UInt32 {
        switch self {
        case .exclusiveCreate: 1
        case .extendedAttributes: 2
        default: 0
        }
    }
    /// SETATTR only.
    var isSetOnly: Bool { self == .setAccessed || self == .setModified }
    /// They are the file system's, and are asked for once more.
    var isOfSpace: Bool {
        switch self {
        case .filesAvailable, .filesFree, .filesTotal, .spaceAvailable, .spaceFree, .spaceTotal: true
        default: false
        }
    }
}

/// bitmap4.
struct AttributeSet: Hashable, Sendable {
    private(set) var words: [UInt32]

    init(words: [UInt32] = []) {
        self.words = words
        trim()
    }

    init(_ attributes: [Attribute]) {
        self.init()
        for attribute in attributes { insert(attribute) }
    }

    static func supported(minor: UInt32) -> AttributeSet { AttributeSet(Attribute.allCases.filter { $0.minor <= minor }) }
    /// What SETATTR takes.
    static let settable = AttributeSet([.size, .mode, .owner, .ownerGroup, .setAccessed, .setModified])
    /// What OPEN with EXCLUSIVE4_1 takes.
    static let exclusive = AttributeSet([.size, .mode, .owner, .ownerGroup, .setAccessed, .setModified])

    private mutating func trim() { while words.last == 0 { words.removeLast() } }

    func contains(_ attribute: Attribute) -> Bool { contains(attribute.rawValue) }
    func contains(_ number: Int) -> Bool { number / 32 < words.count && words[number / 32] >> UInt32(number % 32) & 1 == 1 }

    mutating func insert(_ attribute: Attribute) {
        while words.count <= attribute.rawValue / 32 { words.append(0) }
        words[attribute.rawValue / 32] |= 1 << UInt32(attribute.rawValue % 32)
    }

    mutating func remove(_ attribute: Attribute) {
        guard contains(attribute) else { return }
        words[attribute.rawValue / 32] &= ~(1 << UInt32(attribute.rawValue % 32))
        trim()
    }

    func intersection(_ other: AttributeSet) -> AttributeSet { AttributeSet(words: zip(words, other.words).map { $0 & $1 }) }
    func isSubset(of other: AttributeSet) -> Bool { intersection(other) == self }
    var isEmpty: Bool { words.isEmpty }
    /// In the order of their numbers, which is that of their values.
    var attributes: [Attribute] { Attribute.allCases.filter { contains($0) } }

    func encode(to writer: inout XDRWriter) {
        writer.write(UInt32(words.count))
        for word in words { writer.write(word) }
    }
}
