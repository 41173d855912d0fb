import Filesystem
import Membership
import Namespace
import Primitives
import Replication

/// A step of a request: its place in the request's program, and a number where the place is passed
/// more than once. A step is begun once however often the request is run again.
struct Step: Hashable {
    enum Place: UInt8 {
        case lookup, call, write, readIndex, propose, store, place, read, fetch, applied, window, wait, buffer

        var words: String {
            switch self {
            case .lookup, .call, .write: "the leader of the primary region"
            case .readIndex: "the leader to confirm that it leads"
            case .propose: "a majority of the replicas"
            case .store: "this node's disk"
            case .place: "copies of the content in other places"
            case .read, .buffer: "this node's chunks"
            case .fetch: "chunks from other nodes"
            case .applied: "replicas to apply the log"
            case .window: "earlier writes of the same file"
            case .wait: "the next attempt"
            }
        }
    }
    let place: Place
    let number: Int

    init(_ place: Place, _ number: Int = 0) {
        self.place = place
        self.number = number
    }
}

/// What the end of a step brought.
enum StepValue {
    case done
    case results([FileResult], Payload?)
    case applied(index: UInt64, result: [UInt8])
    case index(UInt64)
    case stored(StoredContent)
    case bytes(Payload)
    case missing([ChunkID])
    case failed(FileFailure)

    /// Whether a change came out of the log. One that failed in a compound may not have been in it.
    var wasApplied: Bool {
        switch self {
        case .applied: return true
        case .results(let results, _):
            if case .failed? = results.last { return false }
            return true
        default: return false
        }
    }
}

/// Thrown to leave a request until something that it waits for has happened.
enum Interrupt: Error {
    case waiting
    case failure(FileFailure)
}

/// What a request remembers between its runs (architecture §3): steps begun and ended. A restarted
/// request may read anything, but begins nothing twice.
struct RequestProgress {
    var begun: [Step: WaitToken] = [:]
    var ended: [Step: StepValue] = [:]
    var cost = OperationCost()
    /// Results of a compound's requests so far.
    var results: [FileResult] = []
    /// The bytes that go beside the answer.
    var attachment: Payload?
    /// What a served read gives, and of which request of the compound.
    var content: (number: Int, content: ReadContent)?
    /// The copies of what a served commit stored; nil inside where none are wanted.
    var placement: UInt64??
    /// The change set of a commit, computed once, and the commit that it became.
    var publication: Publication?
    var pending: PendingCommit?
    /// An earlier commit of the session that this one had to settle first.
    var settled: SettledCommit?
    /// The copies of what an earlier commit names, made anew before it is proposed again.
    var offered: [UInt64]?
    /// Chunks that no node gave.
    var lacking: [ChunkID] = []
    var clone: CloneWork?
    /// A background commit: files open for writing are left out.
    var leavesOutOpenFiles = false
    /// No leader said which version is the newest.
    var isUnconfirmed = false
    /// When the leader was asked for the newest version.
    var askedAt: Instant?
    /// Conflicts that the session had met before this commit.
    var overtaken: [ConflictRecord] = []
    /// Raft took no proposal of a compound: it is executed again, here or by whoever leads next.
    var isRefusedByRaft = false
    /// The copies that a commit waits for, and whether its session has moved to what it published.
    var placed: [UInt64]?
    var hasMoved = false
    /// The version that a commit is known to have published, or found published where nothing was staged.
    var published: VersionID?
    /// This request is moving its session to another version.
    var holdsVersion = false
    /// The open file whose stage this request has stored.
    var flushed: HandleID?
    /// The open file of a network file system whose stage this request is committing, and what the
    /// commit gave; the one that it is reading.
    var committing: HandleID?
    var committed: FileAttributes?
    var reading: HandleID?
    /// Its place among the reads under way; what is given of a kept buffer; whether the answer's bytes have
    /// found their place.
    var ticket: NFSReadCache.Ticket?
    var slice: NFSReadCache.Hit?
    var takesData = false
    /// What comes behind the read has been asked for.
    var hasReadAhead = false
    /// Steps whose cost has been counted.
    var charged: Set<Step> = []
    /// Scratch numbers of the request's program, such as an attempt counter.
    var attempt = 0
}

/// Who is to be answered, and what was asked.
enum RequestKind {
    case open(RequestID, FilesystemID, SessionOptions)
    case operation(RequestID, SessionID, FileOperation, Payload?)
    case catalog(RequestID, [UInt8], operation: String)
    case compound(from: NodeID, CallID, Compound, ClientStamp?, Payload?)
    /// Work of the node's own, such as bringing chunks home; nobody is answered.
    case background(BackgroundWork)
    /// A clone of a file system that is led here.
    case clone(from: NodeID, CallID, CloneOrder)
}

enum BackgroundWork {
    /// One window of a network file system's write-behind.
    case flush(SessionID, HandleID, offset: UInt64, overwrites: Bool, Payload)
    case endSession(SessionID, FilesystemID, GroupID)
    /// Chunks that placement wants here and that were found missing.
    case repairChunks(GroupID, [ChunkReference])
    /// Asks the leaders how far their logs are, before names are marked.
    case confirmNames
    /// The locks of a client session that is gone.
    case expireSession(GroupID, NodeID, SessionID)
    /// Chunks of a version that this node should have and that may still be on their way.
    case awaitChunks(GroupID, VersionID, [ChunkReference])
    /// What a session has staged, committed for it (`SessionOptions.commitEvery`).
    case commitSession(SessionID)
    /// Parts of a commit that will not be published.
    case dropUploads(GroupID, SessionID)
    /// The first leader of the catalog gives the cluster its identity.
    case bootstrap
    /// A node that asks to join.
    case admit(SyncToken, envelope: [UInt8])
    /// This node tells the catalog who it is; a group's leader, that the group is as planned.
    case tellCatalog(CatalogAction)
    /// A group's leader has another node (or itself) bring chunks to where placement wants them.
    case bring(GroupID, NodeID, [ChunkReference])
    /// This node fetches those of these chunks that it has not, for a group's leader.
    case brought(from: NodeID, CallID, GroupID, [ChunkReference])
    /// Chunks that a reader of a volume will want next.
    case readAhead(GroupID, [ChunkReference])
}

struct RequestRecord {
    let kind: RequestKind
    let began: Instant
    let deadline: Instant
    var progress = RequestProgress()
}

/// All requests under way at this node, bounded. Waits are keyed by token; a request that waits for
/// a condition of a group or a handle is listed under that condition.
struct RequestTable {
    /// Beyond this a new request is refused as overloaded, never dropped silently.
    static let capacity = 8_192

    typealias Key = UInt64
    private(set) var records: [Key: RequestRecord] = [:]
    /// Keys in order of arrival; ended ones are removed when the sweep passes.
    private(set) var order: [Key] = []
    private var waits: [WaitToken: (request: Key, step: Step)] = [:]
    private var nextKey: UInt64 = 1
    private var nextToken: UInt64 = 1

    var count: Int { records.count }
    var isFull: Bool { records.count >= Self.capacity }

    mutating func insert(_ record: RequestRecord) -> Key {
        let key = nextKey
        nextKey += 1
        records[key] = record
        order.append(key)
        return key
    }

    mutating func take(_ key: Key) -> RequestRecord? { records.removeValue(forKey: key) }
    mutating func putBack(_ key: Key, _ record: RequestRecord) { records[key] = record }
    func peek(_ key: Key) -> RequestRecord? { records[key] }

    /// Drops what the sweep need not look at again.
    mutating func compactOrder() { order.removeAll { records[$0] == nil } }

    mutating func makeToken() -> WaitToken {
        defer { nextToken += 1 }
        return WaitToken(nextToken)
    }

    mutating func expect(_ token: WaitToken, request: Key, step: Step) { waits[token] = (request, step) }

    /// The request and step that waited for this token, once.
    mutating func resolve(_ token: WaitToken) -> (request: Key, step: Step)? { waits.removeValue(forKey: token) }

    mutating func forget(_ record: RequestRecord) {
        // In any order: tokens are removed from a look-up table.
        for (_, token) in record.progress.begun { waits.removeValue(forKey: token) }
    }
}

extension RequestKind {
    var name: String {
        switch self {
        case .open: "open session"
        case .operation(_, _, let operation, _): operation.name
        case .catalog(_, _, let operation): operation
        case .compound: "compound"
        case .background: "background work"
        case .clone: "clone"
        }
    }

    var object: String {
        switch self {
        case .open(_, let filesystem, _): filesystem.description
        case .operation(_, _, let operation, _): operation.object
        case .catalog: "catalog"
        case .compound(let from, _, let compound, _, _): "\(compound.filesystem) from \(from)"
        case .background: "node"
        case .clone(_, _, let order): order.source.description
        }
    }
}
