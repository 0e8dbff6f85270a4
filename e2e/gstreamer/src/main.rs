//! Runs a GStreamer pipeline with the elements `whepsrc` and `whipsink` linked
//! in, and with the feature "clients" also `whepclientsrc` and `whipclientsink`,
//! for some seconds, or until it reads a line:
//!
//!     pipeline SECONDS PIPELINE...
//!
//! Then it prints how many buffers each fakesink got, as `NAME COUNT`, one a
//! line. An error or the end of the stream before that is a failure.

use gst::prelude::*;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;
type Count = (String, Arc<AtomicU64>);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("pipeline: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or("want SECONDS PIPELINE...")?.parse()?;
    let description = arguments.collect::<Vec<_>>().join(" ");

    gst::init()?;
    #[cfg(feature = "clients")]
    gstrswebrtc::plugin_register_static()?;
    gstwebrtchttp::plugin_register_static()?;
    let pipeline = gst::parse::launch(&description)?
        .downcast::<gst::Pipeline>()
        .map_err(|_| "want a pipeline, not a single element")?;
    let counts = count_sinks(&pipeline);

    pipeline.set_state(gst::State::Playing)?;
    let played = play(&pipeline, Duration::from_secs_f64(seconds));
    // Whatever happened: only this makes either send its DELETE.
    let stopped = pipeline.set_state(gst::State::Null);
    for (name, count) in counts {
        println!("{name} {}", count.load(Ordering::Relaxed));
    }
    played?;
    stopped?;
    Ok(())
}

/// Counts the buffers that every fakesink of the pipeline gets from now on.
fn count_sinks(pipeline: &gst::Pipeline) -> Vec<Count> {
    let sinks = pipeline.iterate_all_by_element_factory_name("fakesink");
    let mut counts = Vec::new();
    for sink in sinks.into_iter().flatten() {
        let count = Arc::new(AtomicU64::new(0));
        counts.push((sink.name().to_string(), count.clone()));
        sink.set_property("signal-handoffs", true);
        sink.connect("handoff", false, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            None
        });
    }
    counts
}

/// Plays until the time is over or a line comes in; ends sooner with an error.
fn play(pipeline: &gst::Pipeline, time: Duration) -> Result<(), Failure> {
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    let deadline = Instant::now() + time;
    let told = bus.clone();
    std::thread::spawn(move || {
        if matches!(std::io::stdin().read_line(&mut String::new()), Ok(read) if read > 0) {
            let enough = gst::Structure::new_empty("enough");
            let _ = told.post(gst::message::Application::new(enough)); // else it has ended
        }
    });
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(message) = bus.timed_pop(gst::ClockTime::from_nseconds(left.as_nanos() as u64)) else {
            return Ok(());
        };
        match message.view() {
            gst::MessageView::Application(_) => return Ok(()),
            gst::MessageView::Eos(_) => return Err("the stream ended".into()),
            gst::MessageView::Error(e) => {
                let from = e.src().map_or_else(String::new, |s| s.path_string().to_string());
                return Err(format!("{from}: {} ({:?})", e.error(), e.debug()).into());
            }
            _ => {}
        }
    }
}
