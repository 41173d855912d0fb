import Filesystem
import Membership
import Primitives
import Replication

// Work of the node's own: nobody is answered, and a failure is tried again by whoever began it.

extension NodeState {
    mutating func performBackground(_ task: BackgroundWork, _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt)
    {
        switch task {
        case .flush(let session, let handle, let offset, let overwrites, let payload):
            try performFlush(session, handle, offset: offset, overwrites: overwrites, payload, &progress)
        case .endSession(let session, let filesystem, let group):
            let context = SessionContext(id: session, filesystem: filesystem, group: group, options: SessionOptions())
            _ = try compound(Step(.call), [.endSession], context, change: true, &progress)
        case .repairChunks(let group, let chunks): try performRepair(group, chunks, &progress)
        case .confirmNames: try performConfirmation(&progress, into: &effects)
        case .expireSession(let group, let node, let session):
            _ = try step(Step(.propose), &progress) { state, token in
                let envelope = FilesCommand(stamp: nil, at: state.civil, body: .endSession(node, session)).xdrBytes
                state.call(group, .propose(envelope: envelope), fixed: state.settings.id, token: token)
            }
        case .awaitChunks(let group, let version, let chunks): try performAwaitChunks(group, version, chunks, &progress)
        case .commitSession(let id): try performBackgroundCommit(id, &progress, into: &effects)
        case .dropUploads(let group, let session):
            _ = try step(Step(.propose), &progress) { state, token in
                let envelope = FilesCommand(stamp: nil, at: state.civil, body: .dropUploads(state.settings.id, session)).xdrBytes
                state.call(group, .propose(envelope: envelope), token: token)
            }
        case .bootstrap: try proposeBootstrap(&progress)
        case .admit(let token, let envelope): try performAdmission(token, envelope, &progress, into: &effects)
        case .tellCatalog(let action): try performTelling(action, &progress, into: &effects)
        case .bring(let group, let node, let chunks):
            let value = try step(Step(.fetch), &progress) { state, token in state.call(group, .bring(chunks), fixed: node, token: token) }
            if case .missing(let ids) = value { progress.lacking = ids }
        case .brought(_, _, let group, let chunks): try fetchMissing(chunks, of: group, &progress)
        case .readAhead(let group, let chunks): try performReadahead(group, chunks, &progress)
        }
    }

    mutating func finishBackground(
        _ task: BackgroundWork, _ outcome: Result<RequestOutcome, FileFailure>, _ progress: RequestProgress, into effects: inout [Effect]
    ) {
        var failure: FileFailure?
        if case .failure(let reason) = outcome { failure = reason }
        switch task {
        case .flush(let session, let handle, _, _, let payload):
            finishFlush(session, handle, payload, failure, cost: progress.cost, into: &effects)
        case .bootstrap:
            if failure != nil, groups.with(.catalog, { $0.isLeader && $0.machine.catalog.cluster == nil }) == true {
                begin(.background(.bootstrap), deadline: now + .seconds(30), into: &effects)
            }
        case .repairChunks(_, let chunks): finishRepair(chunks, failure, into: &effects)
        case .confirmNames: finishConfirmation(isConfirmed: failure == nil, into: &effects)
        case .commitSession(let id): finishBackgroundCommit(id, failure, into: &effects)
        case .awaitChunks(let group, let version, let chunks): finishAwaitChunks(group, version, chunks, failure, into: &effects)
        case .admit(let token, _):
            if let failure { effects.append(.answerJoin(token, .later(failure.cause))) }
        case .bring(let group, _, _): bringEnded(group, failure, lacking: progress.lacking, into: &effects)
        case .brought(let node, let call, _, _):
            let done = progress.lacking.isEmpty ? Answer.done : .lacking(progress.lacking)
            answer(call, to: node, failure.map { .failed($0) } ?? done, into: &effects)
        case .readAhead: readaheadsUnderWay -= 1
        case .endSession, .expireSession, .dropUploads, .tellCatalog: break
        }
    }
}
