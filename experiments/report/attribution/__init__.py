"""Attribution in the report: what each channel is credited with, and what it contributes."""
