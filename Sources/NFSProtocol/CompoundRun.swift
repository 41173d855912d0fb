import Filesystem
import Primitives

/// Who asks, as far as the server believes it.
struct Caller: Hashable, Sendable {
    var user: UInt32
    var group: UInt32
    var groups: [UInt32]

    init(_ credential: RPCCredential, _ squash: NFSSquash) {
        let isSquashed = squash == .all || (squash == .root && credential.user == 0)
        user = isSquashed ? RPCCredential.nobody : credential.user
        group = isSquashed || (squash == .root && credential.group == 0) ? RPCCredential.nobody : credential.group
        groups = isSquashed ? [] : credential.groups.map { squash == .root && $0 == 0 ? RPCCredential.nobody : $0 }
    }

    var isRoot: Bool { user == 0 }

    enum Right: UInt32 {
        case read = 4
        case write = 2
        case execute = 1
    }

    /// POSIX's bits, with root's override: it may do everything, but execute a file only where somebody may.
    func may(_ right: Right, _ attributes: FileAttributes) -> Bool {
        if isRoot { return right != .execute || attributes.type == .directory || attributes.mode & 0o111 != 0 }
        let shift: UInt32 = user == attributes.owner ? 6 : group == attributes.group || groups.contains(attributes.group) ? 3 : 0
        return attributes.mode >> shift & right.rawValue != 0
    }
}

/// A compound under way. An operation that waits for the seam is run again from its beginning when the answer has come; what it
/// has asked for is kept by step, so that nothing is asked twice (docs/rfcs/2026-11-21-restartable-requests.md).
struct CompoundRun: Sendable {
    let id: UInt64
    let connection: ConnectionID
    let transaction: UInt32
    let minor: UInt32
    let tag: [UInt8]
    let caller: Caller
    let credential: RPCCredential

    /// Operations that have no result yet, the current one among them.
    var left: Int
    var position = 0
    /// The current operation's number, once it is read, and its arguments.
    var operation: UInt32?
    var arguments: Arguments
    var answers: [Int: SeamAnswer] = [:]
    /// The step that waits.
    var asked: (step: Int, call: CallID)?
    /// When the current operation was begun.
    private(set) var began = Instant.zero
    /// The number that a state to be made will have.
    var reserved: UInt64?
    /// What the locks of the current operation are known by.
    var lock: NFSLockName?
    /// The open file that the operation has chosen.
    var handle: SeamHandle?

    var current: FileHandle?
    var saved: FileHandle?
    var currentState: StateID?
    var savedState: StateID?
    /// What this compound has been told of objects, and has not changed since.
    var known: [FileHandle: FileAttributes] = [:]
    /// What the current operation has learned of objects that it changes: known once it is over, so that it sees the same
    /// each time that it is run.
    var changed: [FileHandle: FileAttributes] = [:]

    /// The slot that keeps the reply, and whether the client wants that.
    var slot: (session: SessionKey, number: Int)?
    var wantsReplyKept = false
    /// The reply of the slot, where the request has been carried out before.
    var kept: [[UInt8]]?
    /// 4.0: the owner whose request the current operation is.
    var owner: (key: OwnerKey, sequence: UInt32)?
    var closed: UInt64?
    /// The count of losses as the operation began, whether its bytes are written, and how many writes it makes durable.
    var losses: UInt32?
    var isWritten = false
    var settling: UInt64?
    var replyLimit: Int

    /// The current operation's result, and the bytes that end it.
    var body = XDRWriter()
    var data: [UInt8]?

    private var parts: [[UInt8]] = []
    private var results = XDRWriter(reserving: 256)
    private(set) var count: UInt32 = 0
    private var partBytes = 0

    /// Bytes of results so far.
    var size: Int { partBytes + results.bytes.count + 64 + tag.count }

    init(
        id: UInt64, connection: ConnectionID, call: RPCCall, minor: UInt32, tag: [UInt8], caller: Caller, left: Int, arguments: Arguments,
        replyLimit: Int
    ) {
        self.id = id
        self.connection = connection
        transaction = call.transaction
        credential = call.credential
        self.minor = minor
        self.tag = tag
        self.caller = caller
        self.left = left
        self.arguments = arguments
        self.replyLimit = replyLimit
    }

    mutating func begin(_ number: UInt32, at time: Instant) {
        operation = number
        began = time
        reserved = nil
        lock = nil
        answers = [:]
        changed = [:]
        handle = nil
        body = XDRWriter()
        data = nil
        owner = nil
        closed = nil
        losses = nil
        isWritten = false
        settling = nil
    }

    /// The current operation is over, and the next one's number is behind its arguments.
    mutating func end(_ number: UInt32, _ rest: Arguments) {
        append(number, .ok, body.bytes)
        arguments = rest
        operation = nil
        left -= 1
        position += 1
        known.merge(changed) { $1 }
        changed = [:]
    }

    /// One result.
    mutating func append(_ number: UInt32, _ status: NFSStatus, _ rest: [UInt8]) {
        results.write(number)
        results.write(status.rawValue)
        results.write(fixed: rest)
        count += 1
        if let data {
            let padding = [UInt8](repeating: 0, count: (4 - data.count % 4) % 4)
            partBytes += results.bytes.count + data.count + padding.count
            parts.append(results.bytes)
            parts.append(data)
            parts.append(padding)
            results = XDRWriter()
        }
        data = nil
    }

    /// COMPOUND4res in parts.
    func reply(_ status: NFSStatus) -> [[UInt8]] {
        if let kept { return kept }
        var head = XDRWriter(reserving: 64)
        head.write(status.rawValue)
        head.write(opaque: tag)
        head.write(count)
        let parts = parts + [results.bytes]
        return [head.bytes + parts[0]] + parts.dropFirst().filter { !$0.isEmpty }
    }
}
