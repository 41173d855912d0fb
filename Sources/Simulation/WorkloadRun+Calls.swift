package import Filesystem
import NodeCore
package import Primitives
import Workloads

// Single calls, for whoever measures them one by one.
extension WorkloadRun {
    /// Opens a session at a region's first node; tried again for ten seconds.
    package mutating func openSession(_ filesystem: FilesystemID, in region: RegionID, _ options: SessionOptions) throws(FileFailure)
        -> SessionID
    {
        let node = try place(region)
        for _ in 0..<100 {
            switch ask(node, { request, _ in .openSession(request, filesystem, options) })?.0 {
            case .session(let id)?: return id
            case .failed(let failure)? where !(failure.code.isRetryable || failure.code == .notFound): throw failure
            default: pass(.milliseconds(100))
            }
        }
        throw FileFailure(.timedOut, operation: "open session", object: "\(filesystem)", cause: "no answer in the simulation")
    }

    package mutating func closeSession(_ session: SessionID, in region: RegionID) {
        guard let node = try? place(region) else { return }
        world.complete(.closeSession(session), node, after: 1_000)
    }

    /// One operation; `payload`: how many new bytes go with it. The answer's data is told by its length.
    package mutating func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, payload: UInt64?)
        throws(FileFailure) -> (outcome: FileOutcome, dataBytes: UInt64)
    {
        let node = try place(region)
        let buffer = payload.map { world.hosts[node].insert(Content(tag: world.chance.next() | 1, length: $0)) }
        let (outcome, data) = try perform(operation, session, node, buffer)
        return (outcome, data.length)
    }

    /// One operation with these bytes; the answer's own.
    mutating func perform(_ operation: FileOperation, session: SessionID, in region: RegionID, content: [UInt8]?)
        throws(FileFailure) -> (FileValue, [UInt8])
    {
        let node = try place(region)
        let buffer = content.map { world.hosts[node].insert(Content($0)) }
        let (outcome, data) = try perform(operation, session, node, buffer)
        return (outcome.value, data.bytes)
    }

    private mutating func perform(_ operation: FileOperation, _ session: SessionID, _ node: Int, _ payload: NodeCore.Payload?)
        throws(FileFailure) -> (FileOutcome, Content)
    {
        guard let (reply, data) = ask(node, { .operation($0, session, operation, payload: payload, deadline: $1) }) else {
            throw FileFailure(.timedOut, operation: "call", object: "n\(node + 1)", cause: "no answer in the simulation")
        }
        switch reply {
        case .outcome(let outcome, _): return (outcome, data)
        case .failed(let failure): throw failure
        case .session, .catalog: preconditionFailure("an operation was answered as another request")
        }
    }

    private func place(_ region: RegionID) throws(FileFailure) -> Int {
        guard let node = world.hosts.firstIndex(where: { $0.region == region }) else {
            throw FileFailure(.unavailable, operation: "call", object: region.name, cause: "no simulated node is there")
        }
        return node
    }

    /// Asks a node and lets time pass until it answers, two minutes at most.
    private mutating func ask(_ node: Int, _ make: (RequestID, Instant) -> Event) -> (Reply, Content)? {
        let limit: Int64 = 120_000_000_000
        let request = RequestID(world.hosts[node].nextRequest)
        world.hosts[node].nextRequest += 1
        world.hosts[node].requests[request] = World.singleCall
        world.lastAnswer = nil
        let deadline = Instant(nanoseconds: world.hosts[node].clock.local(world.now) + limit)
        world.complete(make(request, deadline), node, after: 1_000)
        let end = world.now + limit + 5_000_000_000
        while world.lastAnswer == nil { guard world.step(until: end) else { return nil } }
        return world.lastAnswer
    }
}

extension World {
    /// Instead of a client's number: whoever asked waits for it itself.
    static var singleCall: Int { .min }
}
